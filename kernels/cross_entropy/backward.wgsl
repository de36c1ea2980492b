// dlogits[r, c] = dloss of row r · (exp(x[r, c] − lse[r]) − [c is the label]) / divisor. Gradients of rows lie `step` apart: 0 where they
// have one, that of their mean. One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, step: u32, divisor: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dloss: array<f32>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.columns;
  if (row >= params.rows) { return; }
  let wanted = select(0.0, 1.0, i % params.columns == labels[row]);
  dlogits[i] = dloss[row * params.step] * (exp(logits[i] - lse[row]) - wanted) / f32(params.divisor);
}
