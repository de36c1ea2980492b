// clipped = gradients times the coefficient of their parameter, or with `whole` the first one, chunk by chunk of a flat buffer;
// `chunks` [C, 4] = first quad, quads, parameter, –. One workgroup: one chunk; one invocation: every 64th quad of it.
// #include "lib/grid.wgsl"

struct Params { count: u32, whole: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;
@group(0) @binding(4) var<storage, read_write> clipped: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let c = flat_index(group, groups, 0u, 1u);
  if (c >= params.count) { return; }
  let chunk = chunks[c];
  let coefficient = coefficients[select(chunk.z, 0u, params.whole != 0u)];
  for (var i = chunk.x + local; i < chunk.x + chunk.y; i += 64u) { clipped[i] = coefficient * gradients[i]; }
}
