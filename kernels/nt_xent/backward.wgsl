// partial[slice, q, i] = Σ_k W_ik packed[q, k] over one slice of the columns k, W_ik = P_ik + P_ki − 2·[k is the positive of i],
// W_ii = 0, where P_ik = exp(s_ik − lse_i) is computed again: gather.wgsl makes the gradient of it.
//
// One invocation: two rows × the columns of its slice, eight at a time: their weights in registers, then added into the rows'
// own sums in memory, which no other invocation touches. One workgroup: 64 rows × one slice of `slice` columns.
// #include "lib/grid.wgsl"

struct Params { rows: u32, stride: u32, quads: u32, slice: u32, temperature: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;

// #include "lib/nt_xent/similarity.wgsl"

fn weights(row: u32, lse_of_row: f32, column: u32, s: vec4<f32>) -> vec4<f32> {
  let columns = column + vec4(0u, 1u, 2u, 3u);
  let at = min(columns, vec4(params.rows - 1u));
  let lse_of_columns = vec4(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
  let positive = (row + params.rows / 2u) % params.rows;
  let both = exp(s - lse_of_row) + exp(s - lse_of_columns) - select(vec4<f32>(), vec4(2.0), columns == vec4(positive));
  return select(vec4<f32>(), both, (columns != vec4(row)) & (columns < vec4(params.rows)));
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  let row = tile % tiles_down * 64u + lane + vec2(0u, 32u);
  if (start >= params.rows || row.x >= params.rows) { return; }
  let loaded = min(row, vec2(params.rows - 1u));
  let lse_of_rows = vec2(lse[loaded.x], lse[loaded.y]);

  for (var column = start; column < min(start + params.slice, params.rows); column += 8u) {
    let s = similarities(loaded, column);
    let first = weights(row.x, lse_of_rows.x, column, s.first);
    let first_next = weights(row.x, lse_of_rows.x, column + 4u, s.first_next);
    let second = weights(row.y, lse_of_rows.y, column, s.second);
    let second_next = weights(row.y, lse_of_rows.y, column + 4u, s.second_next);
    for (var quad = 0u; quad < params.quads; quad++) {
      let columns = four_columns(quad, column);
      let next = four_columns(quad, column + 4u);
      let at = (slice * params.quads + quad) * params.stride + row;
      add_to(at.x, column == start, columns * first + next * first_next);
      if (row.y < params.rows) { add_to(at.y, column == start, columns * second + next * second_next); }
    }
  }
}

fn add_to(at: u32, is_first: bool, value: vec4<f32>) {
  if (is_first) { partial[at] = value; } else { partial[at] += value; }
}
