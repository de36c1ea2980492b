// LARS' trust ratio of each parameter p from the partial sums of its chunks:
//   trust[p] = η ‖θ‖ / ‖g + decay·θ‖, and 1 where a norm is 0 or the parameter is not adapted.
// `parameters` [P, 4] = first chunk, chunks, adapted (0 or 1), 0. One workgroup: one parameter; one invocation: every 64th chunk.
// #include "lib/grid.wgsl"
// #include "lib/sum64.wgsl"

struct Params { count: u32, eta: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> trust: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let p = flat_index(group, groups, 0u, 1u);
  if (p >= params.count) { return; }
  let parameter = parameters[p];
  var sum = vec2<f32>();
  for (var c = local; c < parameter.y; c += 64u) { sum += partials[parameter.x + c]; }
  sum = sum64(sum, local);
  if (local == 0u) {
    let adapted = parameter.z != 0u && sum.x > 0.0 && sum.y > 0.0;
    trust[p] = select(1.0, params.eta * sqrt(sum.x) / sqrt(sum.y), adapted);
  }
}
