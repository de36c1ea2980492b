// dx = rstd (g − (Σ g + x̂ Σ g x̂) / columns), g = dy weight: x, dy, dx [rows, columns] of `Stored`, f32 or f16; sums
// of a row = (Σ g, Σ g x̂). One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> dy: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> sums: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dx: array<Stored>;
// #include "lib/layer_norm/normalised.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let row = i / params.columns;
  let column = i - row * params.columns;
  let mean = (sums[row].x + normalised(row, column) * sums[row].y) / f32(params.columns);
  dx[i] = Stored(stats[row].y * (f32(dy[i]) * weight[column] - mean));
}
