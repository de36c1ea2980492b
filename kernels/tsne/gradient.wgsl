// gradient[i] = 4 (exaggeration · attraction_i − repulsion_i / Z), the two summed over their slices in forces [slices, rows].
// One invocation: one point.
// #include "lib/grid.wgsl"

struct Params { rows: u32, slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> normalizer: array<f32>;
@group(0) @binding(3) var<storage, read> exaggeration: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.rows) { return; }
  var sum = vec4<f32>();
  for (var slice = 0u; slice < params.slices; slice++) { sum += forces[slice * params.rows + i]; }
  gradient[i] = 4.0 * (exaggeration[0] * sum.xy - sum.zw / normalizer[0]);
}
