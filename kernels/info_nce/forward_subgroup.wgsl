// forward.wgsl with subgroups: the same result, for tiles of lib/info_nce/similarity_subgroup.wgsl. For each query (a row), over one slice
// of the keys (the columns) that are its candidates: the largest similarity s, the first column that has it, Σ exp(s − largest), and s of
// the positive where it lies in the slice (else 0).
//
// One invocation: 4 rows × the columns of its slice, 16 at a time, with a running maximum. One workgroup: 64 rows × one slice.
// partial[slice, row] = (largest, sum, s of the positive as bits of f32, first column that has the largest), with room for the slices of
// surplus workgroups too: a return before the loop makes it a third slower on software rasterisers.
enable subgroups;
// #include "lib/grid.wgsl"
// #include "lib/info_nce/forward_interface.wgsl"
// #include "lib/info_nce/candidates.wgsl"
// #include "lib/info_nce/similarity_subgroup.wgsl"

// Of 4 rows each. What is no candidate counts as NONE, which is so far below any largest, LEAST at first, that exp is 0.
struct Running { largest: vec4<f32>, sum: vec4<f32>, of_positive: vec4<f32>, argmax: vec4<u32> }
struct Queries { positive: vec4<u32>, excluded: vec4<u32> }
const NONE = -1e30;
const LEAST = -1e29;

fn candidate(queries: Queries, column: u32, s: vec4<f32>) -> vec4<f32> {
  let candidate = are_candidates(vec4(column), queries.positive, queries.excluded);
  return select(vec4(NONE), s, candidate & vec4(column < params.columns));
}

fn candidates(queries: Queries, column: u32, s: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(candidate(queries, column, s[0]), candidate(queries, column + 1u, s[1]),
                     candidate(queries, column + 2u, s[2]), candidate(queries, column + 3u, s[3]));
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

fn fold(state: Running, queries: Queries, column: u32, s: Similarities) -> Running {
  let a = candidates(queries, column, s.a);
  let b = candidates(queries, column + 4u, s.b);
  let c = candidates(queries, column + 8u, s.c);
  let d = candidates(queries, column + 12u, s.d);
  let best = max(max(largest_of(a), largest_of(b)), max(largest_of(c), largest_of(d)));
  let first = first_with(best, a, column, first_with(best, b, column + 4u,
    first_with(best, c, column + 8u, first_with(best, d, column + 12u, vec4<u32>()))));
  let largest = max(state.largest, best);
  let terms = (sum_of_exp(a, largest) + sum_of_exp(b, largest)) + (sum_of_exp(c, largest) + sum_of_exp(d, largest));
  let of_positive = (in_column(queries.positive, column, s.a) + in_column(queries.positive, column + 4u, s.b)) +
                    (in_column(queries.positive, column + 8u, s.c) + in_column(queries.positive, column + 12u, s.d));
  return Running(
    largest,
    state.sum * exp(state.largest - largest) + terms,
    state.of_positive + of_positive,
    select(state.argmax, first, best > state.largest),
  );
}

fn queries_at(row: u32) -> Queries {
  let at = min(row + vec4(0u, 1u, 2u, 3u), vec4(params.rows - 1u));
  return Queries(vec4(positive[at.x], positive[at.y], positive[at.z], positive[at.w]),
                 vec4(excluded[at.x], excluded[at.y], excluded[at.z], excluded[at.w]));
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_size) subgroup_size: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  let thread = subgroup * subgroup_size + lane;
  let row = tile % tiles_down * 64u + thread * 4u;
  let queries = queries_at(row);
  let tau = temperature[0];
  var state = Running(vec4(LEAST), vec4<f32>(), vec4<f32>(), vec4<u32>());
  for (var column = start; column < min(start + params.slice, params.columns); column += 16u) {
    state = fold(state, queries, column, similarities(row, column, thread % 4u, tau));
  }
  let at = slice * params.row_stride + row;
  let largest = bitcast<vec4<u32>>(state.largest);
  let sum = bitcast<vec4<u32>>(state.sum);
  let of_positive = bitcast<vec4<u32>>(state.of_positive);
  partial[at] = vec4(largest.x, sum.x, of_positive.x, state.argmax.x);
  partial[at + 1u] = vec4(largest.y, sum.y, of_positive.y, state.argmax.y);
  partial[at + 2u] = vec4(largest.z, sum.z, of_positive.z, state.argmax.z);
  partial[at + 3u] = vec4(largest.w, sum.w, of_positive.w, state.argmax.w);
}
