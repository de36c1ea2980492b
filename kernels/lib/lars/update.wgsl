// LARS over a flat buffer, in place; every tensor is [size]. With the trust ratio of the parameter (and decay = 0 in those that
// are not adapted):  b = μ b + lr·trust·(g + decay·θ)     θ −= b
// `scalars` [rows, 2] = lr, decay; `chunks` as in norms.wgsl. Whoever includes this has what lib/optimizer/plain.wgsl or half.wgsl
// declare.
// One workgroup: one chunk; one invocation: every 64th quad of it.
// #include "lib/grid.wgsl"

struct Params { count: u32, momentum: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> momentum_buffer: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> scalars: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read> trust: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let c = flat_index(group, groups, 0u, 1u);
  if (c >= params.count || is_skipped()) { return; }
  let chunk = chunks[c];
  let rates = scalars[chunk.w / 2u];
  let decay = rates.y * f32(chunk.w % 2u);
  let rate = rates.x * trust[chunk.z];
  for (var i = chunk.x + local; i < chunk.x + chunk.y; i += 64u) {
    let weight = weights[i];
    let b = params.momentum * momentum_buffer[i] + rate * (unscaled(gradients[i]) + decay * weight);
    momentum_buffer[i] = b;
    weights[i] = weight - b;
    keep_copy(i, weight - b);
  }
}
