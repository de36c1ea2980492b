// forward.wgsl with subgroups: the same result, for tiles of lib/nt_xent/similarity_subgroup.wgsl. For each row i of 2N unit vectors, over
// one slice of the columns k ≠ i: the largest similarity s_ik, the first column that has it, Σ exp(s_ik − largest), and s of the
// positive, column (i + N) mod 2N, where it lies in the slice (else 0).
//
// One invocation: 4 rows × the columns of its slice, 16 at a time, with a running maximum. Grid: dispatch(ceil(rows / 64), slices).
// partial[slice, row] = (largest, sum, positive as bits of f32, first column that has the largest).
enable subgroups;

struct Params { rows: u32, stride: u32, quads: u32, slice: u32, temperature: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<u32>>;

// #include "lib/nt_xent/similarity_subgroup.wgsl"

// Of 4 rows each. What is no candidate counts as NONE, which is so far below any largest, LEAST at first, that exp is 0.
struct Running { largest: vec4<f32>, sum: vec4<f32>, positive: vec4<f32>, argmax: vec4<u32> }
const NONE = -1e30;
const LEAST = -1e29;

fn candidate(rows: vec4<u32>, column: u32, s: vec4<f32>) -> vec4<f32> {
  return select(vec4(NONE), s, (rows != vec4(column)) & vec4(column < params.rows));
}

fn candidates(rows: vec4<u32>, column: u32, s: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(candidate(rows, column, s[0]), candidate(rows, column + 1u, s[1]),
                     candidate(rows, column + 2u, s[2]), candidate(rows, column + 3u, s[3]));
}

fn largest_of(s: mat4x4<f32>) -> vec4<f32> { return max(max(s[0], s[1]), max(s[2], s[3])); }

fn sum_of_exp(s: mat4x4<f32>, largest: vec4<f32>) -> vec4<f32> {
  return (exp(s[0] - largest) + exp(s[1] - largest)) + (exp(s[2] - largest) + exp(s[3] - largest));
}

// The first of 4 columns in which `value` stands, else `other`.
fn first_with(value: vec4<f32>, s: mat4x4<f32>, column: u32, other: vec4<u32>) -> vec4<u32> {
  let from_third = select(select(other, vec4(column + 3u), s[3] == value), vec4(column + 2u), s[2] == value);
  return select(select(from_third, vec4(column + 1u), s[1] == value), vec4(column), s[0] == value);
}

// s of the column `positive` where it is one of the 4.
fn in_column(positive: vec4<u32>, column: u32, s: mat4x4<f32>) -> vec4<f32> {
  let zero = vec4<f32>();
  return select(zero, s[0], positive == vec4(column)) + select(zero, s[1], positive == vec4(column + 1u)) +
         select(zero, s[2], positive == vec4(column + 2u)) + select(zero, s[3], positive == vec4(column + 3u));
}

fn fold(state: Running, rows: vec4<u32>, column: u32, s: Similarities) -> Running {
  let a = candidates(rows, column, s.a);
  let b = candidates(rows, column + 4u, s.b);
  let c = candidates(rows, column + 8u, s.c);
  let d = candidates(rows, column + 12u, s.d);
  let best = max(max(largest_of(a), largest_of(b)), max(largest_of(c), largest_of(d)));
  let first = first_with(best, a, column, first_with(best, b, column + 4u,
    first_with(best, c, column + 8u, first_with(best, d, column + 12u, vec4<u32>()))));
  let largest = max(state.largest, best);
  let terms = (sum_of_exp(a, largest) + sum_of_exp(b, largest)) + (sum_of_exp(c, largest) + sum_of_exp(d, largest));
  let positive = (rows + params.rows / 2u) % params.rows;
  let of_positive = (in_column(positive, column, s.a) + in_column(positive, column + 4u, s.b)) +
                    (in_column(positive, column + 8u, s.c) + in_column(positive, column + 12u, s.d));
  return Running(
    largest,
    state.sum * exp(state.largest - largest) + terms,
    state.positive + of_positive,
    select(state.argmax, first, best > state.largest),
  );
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let thread = subgroup * subgroup_size + lane;
  let row = group.x * 64u + thread * 4u;
  let rows = row + vec4(0u, 1u, 2u, 3u);
  let start = group.y * params.slice;
  var state = Running(vec4(LEAST), vec4<f32>(), vec4<f32>(), vec4<u32>());
  for (var column = start; column < min(start + params.slice, params.rows); column += 16u) {
    state = fold(state, rows, column, similarities(row, column, thread % 4u));
  }
  let at = group.y * params.stride + row;
  let largest = bitcast<vec4<u32>>(state.largest);
  let sum = bitcast<vec4<u32>>(state.sum);
  let positive = bitcast<vec4<u32>>(state.positive);
  partial[at] = vec4(largest.x, sum.x, positive.x, state.argmax.x);
  partial[at + 1u] = vec4(largest.y, sum.y, positive.y, state.argmax.y);
  partial[at + 2u] = vec4(largest.z, sum.z, positive.z, state.argmax.z);
  partial[at + 3u] = vec4(largest.w, sum.w, positive.w, state.argmax.w);
}
