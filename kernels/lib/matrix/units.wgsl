// What the products of lib/matrix/product.wgsl are made of, on matrix units: fragments of M × K, K × N and M × N elements that the
// threads of a subgroup hold together. Dawn counts offsets and strides in elements of the array, here in words.
//
// workgroup_size x must be a multiple of the largest subgroup that the device may choose; with THREADS = 4 times that there are
// at least 4 subgroups, and those beyond the fourth only move data.

alias Left = subgroup_matrix_left<Component, K, M>;
alias Right = subgroup_matrix_right<Component, N, K>;
alias Sums = subgroup_matrix_result<f32, N, M>;

// The last places at which fragments can begin. `min` changes nothing: it tells Dawn that a fragment lies within the memory, which else
// checks each of them, at the price of ten instructions.
override LEFT_TOP: u32 = MEMORY_WORDS - select((M - 1u) * LEFT_STRIDE + K / 4u, (K - 1u) * LEFT_STRIDE + M / 4u, LEFT_ACROSS);
override RIGHT_TOP: u32 = MEMORY_WORDS - select((N - 1u) * RIGHT_STRIDE + K / 4u, (K - 1u) * RIGHT_STRIDE + N / 4u, RIGHT_ACROSS);
override SUMS_TOP: u32 = MEMORY_WORDS - (M - 1u) * STRIP_STRIDE - N / 4u * WORDS_PER_SUMS;

fn load_left(at: u32) -> Left {
  if (LEFT_ACROSS) {
    return subgroupMatrixLoad<Left, col_major>(&memory, min(at, LEFT_TOP), LEFT_STRIDE);
  }
  return subgroupMatrixLoad<Left, row_major>(&memory, min(at, LEFT_TOP), LEFT_STRIDE);
}

fn load_right(at: u32) -> Right {
  if (RIGHT_ACROSS) {
    return subgroupMatrixLoad<Right, row_major>(&memory, min(at, RIGHT_TOP), RIGHT_STRIDE);
  }
  return subgroupMatrixLoad<Right, col_major>(&memory, min(at, RIGHT_TOP), RIGHT_STRIDE);
}

fn multiply_column(left_0: Left, left_1: Left, left_2: Left, left_3: Left, right: Right, sums: ptr<function, array<Sums, 4>>) {
  (*sums)[0] = subgroupMatrixMultiplyAccumulate(left_0, right, (*sums)[0]);
  (*sums)[1] = subgroupMatrixMultiplyAccumulate(left_1, right, (*sums)[1]);
  if (FRAGMENT_ROWS == 4u) {
    (*sums)[2] = subgroupMatrixMultiplyAccumulate(left_2, right, (*sums)[2]);
    (*sums)[3] = subgroupMatrixMultiplyAccumulate(left_3, right, (*sums)[3]);
  }
}

fn store_sums(at: u32, sums: Sums) {
  subgroupMatrixStore<row_major>(&memory, min(at, SUMS_TOP), sums, STRIP_STRIDE);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  run(group, groups, thread, subgroup);
}
