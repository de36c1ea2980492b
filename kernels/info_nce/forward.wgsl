// For each query (a row), over one slice of the keys (the columns) that are its candidates: the largest similarity s, the first column
// that has it, Σ exp(s − largest), and s of the positive where it lies in the slice (else 0).
//
// One invocation: two rows × the columns of its slice, eight at a time, with a running maximum; no matrix is stored and nothing is
// shared. One workgroup: 64 rows × one slice of `slice` columns (a multiple of eight).
// partial[slice, row] = (largest, sum, s of the positive as bits of f32, first column that has the largest), with room for the slices of
// surplus workgroups too: a return before the loop makes it a third slower on software rasterisers.
// #include "lib/grid.wgsl"
// #include "lib/info_nce/forward_interface.wgsl"
// #include "lib/info_nce/candidates.wgsl"
// #include "lib/info_nce/similarity.wgsl"

struct Running { positive: u32, excluded: u32, largest: f32, sum: f32, of_positive: f32, argmax: u32 }

fn start_of(row: u32) -> Running { return Running(positive[row], excluded[row], -1e30, 0.0, 0.0, 0u); }

fn fold(state: Running, column: u32, s: vec4<f32>) -> Running {
  let columns = column + vec4(0u, 1u, 2u, 3u);
  let candidate = are_candidates(columns, vec4(state.positive), vec4(state.excluded)) & (columns < vec4(params.columns));
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
  next.of_positive += dot(select(vec4<f32>(), s, columns == vec4(state.positive)), vec4(1.0));
  return next;
}

fn store_row(slice: u32, row: u32, state: Running) {
  if (row >= params.rows) { return; }
  let bits = bitcast<vec3<u32>>(vec3(state.largest, state.sum, state.of_positive));
  partial[slice * params.row_stride + row] = vec4(bits, state.argmax);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  let row = tile % tiles_down * 64u + lane + vec2(0u, 32u);
  let loaded = min(row, vec2(params.rows - 1u));
  let tau = temperature[0];

  var first = start_of(loaded.x);
  var second = start_of(loaded.y);
  for (var column = start; column < min(start + params.slice, params.columns); column += 8u) {
    let s = similarities(loaded, column, tau);
    first = fold(fold(first, column, s.first), column + 4u, s.first_next);
    second = fold(fold(second, column, s.second), column + 4u, s.second_next);
  }
  store_row(slice, row.x, first);
  store_row(slice, row.y, second);
}
