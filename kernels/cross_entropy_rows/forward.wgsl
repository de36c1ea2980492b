// For each row of logits [rows, columns]: lse = log Σ_c exp x_c, losses = lse − x of the label, right = 1 if the first of the largest
// logits is the label's, else 0. A label that is no column makes the loss NaN. One invocation: one row.
// #include "lib/grid.wgsl"
// #include "lib/cross_entropy/row.wgsl"

struct Params { rows: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> right: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  let found = row_loss(row, params.columns);
  losses[row] = found.loss;
  right[row] = found.right;
  lse[row] = found.lse;
}
