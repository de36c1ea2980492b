// What the products of lib/matrix/product.wgsl are made of, without matrix units: the same fragments in the same memory, but 32
// neighbouring threads stand for a subgroup, a fragment that was loaded is only its place in workgroup memory, and each
// thread computes pairs of neighbouring sums with plain multiply-adds. It lets devices without matrix units run all of the
// kernel that surrounds them; it is not made to be fast. THREADS is 128, or more where subgroups are spare; N is even and M · N a
// multiple of 64, 256 at most.

struct Left { at: u32 }
struct Right { at: u32 }
alias Sums = array<vec2<f32>, 4>;

const LANES = 32u;
var<private> lane: u32;
// Pairs of sums a thread, and K. Compilers are not to know them: they would write every product out.
var<private> pairs: u32;
var<private> terms: u32;

fn load_left(at: u32) -> Left {
  return Left(at);
}

fn load_right(at: u32) -> Right {
  return Right(at);
}

// Component `across` of line `line` of a fragment.
fn component(at: u32, line: u32, across: u32, stride: u32) -> f32 {
  return unpack2x16float(memory[at + line * stride + across / 4u][across / 2u % 2u])[across % 2u];
}

fn left_component(left: Left, row: u32, k: u32) -> f32 {
  return component(left.at, select(row, k, LEFT_ACROSS), select(k, row, LEFT_ACROSS), LEFT_STRIDE);
}

fn right_component(right: Right, k: u32, column: u32) -> f32 {
  return component(right.at, select(column, k, RIGHT_ACROSS), select(k, column, RIGHT_ACROSS), RIGHT_STRIDE);
}

fn multiply_column(left_0: Left, left_1: Left, left_2: Left, left_3: Left, right: Right, sums: ptr<function, array<Sums, 4>>) {
  let lefts = vec4<u32>(left_0.at, left_1.at, left_2.at, left_3.at);
  for (var i = 0u; i < FRAGMENT_ROWS * pairs; i++) {
    let number = i % FRAGMENT_ROWS;
    let left = Left(lefts[number]);
    let pair = lane + i / FRAGMENT_ROWS * LANES;
    let row = pair / (N / 2u);
    let column = pair % (N / 2u) * 2u;
    var sum = (*sums)[number][i / FRAGMENT_ROWS];
    for (var k = 0u; k < terms; k++) {
      let values = vec2<f32>(right_component(right, k, column), right_component(right, k, column + 1u));
      sum = fma(vec2<f32>(left_component(left, row, k)), values, sum);
    }
    (*sums)[number][i / FRAGMENT_ROWS] = sum;
  }
}

// A thread writes whole words: two sums.
fn store_sums(at: u32, sums: Sums) {
  for (var i = 0u; i < pairs; i++) {
    let pair = lane + i * LANES;
    memory[at + pair / (N / 2u) * STRIP_STRIDE + pair % (N / 2u)] = bitcast<vec2<u32>>(sums[i]);
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  lane = thread % LANES;
  pairs = select(M * N / (2u * LANES), 0u, groups.x == 0u);
  terms = select(K, 0u, groups.x == 0u);
  run(group, groups, thread, thread / LANES);
}
