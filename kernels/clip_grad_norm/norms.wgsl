// Partial sums of squared norms: partials[c] = Σ g² over chunk c of the flat gradients; `chunks` [C, 4] = first quad, quads, parameter, –.
// One workgroup: one chunk; one invocation: every 64th quad of it.
// #include "lib/grid.wgsl"
// #include "lib/sum64.wgsl"

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let c = flat_index(group, groups, 0u, 1u);
  if (c >= params.count) { return; }
  let chunk = chunks[c];
  var sum = 0.0;
  for (var i = local; i < chunk.y; i += 64u) {
    let g = gradients[chunk.x + i];
    sum += dot(g, g);
  }
  sum = sum64(vec2(sum, 0.0), local).x;
  if (local == 0u) { partials[c] = sum; }
}
