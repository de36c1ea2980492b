// y[r, d] = x[r, d] / max(norm[r], eps) for x [rows, columns]. One invocation: up to four neighbours of one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let quad = flat_index(group, groups, local, 64u);
  let quads = (params.columns + 3u) / 4u;
  let row = quad / quads;
  if (row >= params.rows) { return; }
  let first = row * params.columns + quad % quads * 4u;
  let length = max(norm[row], params.eps);
  for (var i = first; i < min(first + 4u, (row + 1u) * params.columns); i++) { y[i] = x[i] / length; }
}
