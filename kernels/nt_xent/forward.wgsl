// For each row i of 2N unit vectors, over one slice of the columns k ≠ i: the largest similarity s_ik, the first column that has
// it, Σ exp(s_ik − largest), and s of the positive, column (i + N) mod 2N, where it lies in the slice (else 0).
//
// One invocation: two rows × the columns of its slice, eight at a time, with a running maximum; no matrix is stored and nothing is
// shared. One workgroup: 64 rows × one slice of `slice` columns (a multiple of eight).
// partial[slice, row] = (largest, sum, positive as bits of f32, first column that has the largest).
// #include "lib/grid.wgsl"

struct Params { rows: u32, stride: u32, quads: u32, slice: u32, temperature: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<u32>>;

// #include "lib/nt_xent/similarity.wgsl"

struct Running { largest: f32, sum: f32, positive: f32, argmax: u32 }

fn fold(state: Running, row: u32, column: u32, s: vec4<f32>) -> Running {
  let columns = column + vec4(0u, 1u, 2u, 3u);
  let candidate = (columns != vec4(row)) & (columns < vec4(params.rows));
  let masked = select(vec4(-1e30), s, candidate);
  let best = max(max(masked.x, masked.y), max(masked.z, masked.w));
  var next = state;
  if (best > state.largest) {
    next.largest = best;
    next.argmax = select(select(select(columns.w, columns.z, masked.z == best), columns.y, masked.y == best),
                         columns.x, masked.x == best);
  }
  let terms = select(vec4<f32>(), exp(masked - next.largest), candidate);
  next.sum = state.sum * exp(state.largest - next.largest) + ((terms.x + terms.y) + (terms.z + terms.w));
  let positive = (row + params.rows / 2u) % params.rows;
  next.positive += dot(select(vec4<f32>(), s, columns == vec4(positive)), vec4(1.0));
  return next;
}

fn store_row(slice: u32, row: u32, state: Running) {
  if (row >= params.rows) { return; }
  let bits = bitcast<vec3<u32>>(vec3(state.largest, state.sum, state.positive));
  partial[slice * params.stride + row] = vec4(bits, state.argmax);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  if (start >= params.rows) { return; }
  let row = tile % tiles_down * 64u + lane + vec2(0u, 32u);
  let loaded = min(row, vec2(params.rows - 1u));

  var first = Running(-1e30, 0.0, 0.0, 0u);
  var second = first;
  for (var column = start; column < min(start + params.slice, params.rows); column += 8u) {
    let s = similarities(loaded, column);
    first = fold(fold(first, row.x, column, s.first), row.x, column + 4u, s.first_next);
    second = fold(fold(second, row.y, column, s.second), row.y, column + 4u, s.second_next);
  }
  store_row(slice, row.x, first);
  store_row(slice, row.y, second);
}
