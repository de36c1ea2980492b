// d[i, j] = Σ_c (x[i, c] − x[j, c])² for x [rows, columns]: by differences, because norms and products would cancel between rows that
// are close to each other, and those are the ones that count.
// One invocation: one row × four columns, 64 apart. One workgroup: one row × 256 columns, so that loads of the row are broadcasts.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, tiles: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let row = tile / params.tiles;
  if (row >= params.rows) { return; }
  let first = tile % params.tiles * 256u + local;
  let column = first + vec4(0u, 64u, 128u, 192u);
  let place = min(column, vec4(params.rows - 1u)) * params.columns;
  let base = row * params.columns;
  var sum = vec4<f32>();
  for (var c = 0u; c < params.columns; c++) {
    let difference = x[base + c] - vec4(x[place.x + c], x[place.y + c], x[place.z + c], x[place.w + c]);
    sum += difference * difference;
  }
  for (var j = 0u; j < 4u; j++) {
    if (column[j] < params.rows) { d[row * params.rows + column[j]] = sum[j]; }
  }
}
