// Merges the slices of a query: lse = log Σ exp s over its candidates, stats = (lse − s of the positive, 1 if the first candidate with the
// largest similarity is the positive, else 0). A positive that is no column makes the loss NaN. One invocation: one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, stride: u32, slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> positive: array<u32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  var largest = -1e30;
  var sum = 0.0;
  var of_positive = 0.0;
  var argmax = 0u;
  for (var slice = 0u; slice < params.slices; slice++) {
    let part = partial[slice * params.stride + row];
    let values = bitcast<vec3<f32>>(part.xyz);
    if (values.x > largest) {
      sum *= exp(largest - values.x);
      largest = values.x;
      argmax = part.w;
    }
    sum += values.y * exp(values.x - largest);
    of_positive += values.z;
  }
  let value = largest + log(sum);
  lse[row] = value;
  let column = positive[row];
  let bits = select(bitcast<u32>(value - of_positive), 0x7fc00000u, column >= params.columns);
  stats[row] = vec2(bitcast<f32>(bits), select(0.0, 1.0, argmax == column));
}
