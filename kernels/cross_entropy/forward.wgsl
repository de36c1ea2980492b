// For each row of logits [rows, columns]: lse = log Σ_c exp x_c, stats = (lse − x of the label, 1 if the first of the largest logits
// is the label's, else 0). A label that is no column makes the loss NaN. One invocation: one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  var largest = logits[start];
  var argmax = 0u;
  for (var c = 1u; c < params.columns; c++) {
    let value = logits[start + c];
    if (value > largest) {
      largest = value;
      argmax = c;
    }
  }
  var sum = 0.0;
  for (var c = 0u; c < params.columns; c++) { sum += exp(logits[start + c] - largest); }
  let log_sum = log(sum);
  lse[row] = largest + log_sum;

  let label = labels[row];
  let loss = log_sum - (logits[start + min(label, params.columns - 1u)] - largest);
  let bits = select(bitcast<u32>(loss), 0x7fc00000u, label >= params.columns);
  stats[row] = vec2(bitcast<f32>(bits), select(0.0, 1.0, argmax == label));
}
