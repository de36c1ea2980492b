// What the gradients of each range are multiplied by, PyTorch's clip_grad_norm_:
//   coefficients[r] = min(1, max_norm / (‖g‖ + 1e-6)) over the chunks of range r, `ranges` [R, 4] = first chunk, chunks, –, –
// Gradients are scaled by 1 / scaler_step[0] (see lib/optimizer/scaler_step.wgsl), their norm is not. One workgroup: one range.
// #include "lib/grid.wgsl"
// #include "lib/sum64.wgsl"

struct Params { count: u32, max_norm: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> ranges: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scaler_step: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let r = flat_index(group, groups, 0u, 1u);
  if (r >= params.count) { return; }
  let range = ranges[r];
  var sum = 0.0;
  for (var c = local; c < range.y; c += 64u) { sum += partials[range.x + c]; }
  sum = sum64(vec2(sum, 0.0), local).x;
  if (local == 0u) { coefficients[r] = min(1.0, params.max_norm / (sqrt(sum) * scaler_step[0] + 1e-6)); }
}
