// sums[p, r] = (Σ g, Σ g x̂), g = dy weight, over the columns p, p + parts, … of row r: x, dy [rows, columns] of
// `Stored`, f32 or f16. One invocation: one part of one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> dy: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<vec2<f32>>;
// #include "lib/layer_norm/normalised.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.parts;
  if (row >= params.rows) { return; }
  let part = i % params.parts;
  var sum = vec2<f32>();
  for (var column = part; column < params.columns; column += params.parts) {
    let g = f32(dy[row * params.columns + column]) * weight[column];
    sum += g * vec2(1.0, normalised(row, column));
  }
  sums[part * params.rows + row] = sum;
}
