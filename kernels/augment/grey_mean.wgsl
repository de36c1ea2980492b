// means[v] = mean grey of view v after the operations that come before contrast: what contrast blends with. Views [V, size, size, 4].
// A view without contrast is left out. One workgroup: one view; one invocation: every 64th pixel.
// #include "lib/grid.wgsl"
// #include "lib/sum64.wgsl"
// #include "lib/colour.wgsl"

struct Params { views: u32, pixels: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> views: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let view = flat_index(group, groups, 0u, 1u);
  if (view >= params.views) { return; }
  let second = parameters[4u * view + 1u];
  let third = parameters[4u * view + 2u];
  let last = parameters[4u * view + 3u];
  let order = vec4(third.yzw, last.x);
  if (all(order != vec4(2.0))) { return; }
  let factors = vec4(second.yzw, third.x);
  var sum = 0.0;
  for (var i = local; i < params.pixels; i += 64u) {
    var c = views[view * params.pixels + i].rgb;
    if (last.y == 2.0) { c = vec3(grey(c)); }
    for (var k = 0u; order[k] != 2.0; k++) { c = jitter(c, order[k], factors, 0.0); }
    sum += grey(c);
  }
  sum = sum64(vec2(sum, 0.0), local).x;
  if (local == 0u) { means[view] = sum / f32(params.pixels); }
}
