// Colour jitter in the order that was drawn, then grayscale (or before it), in place on views [V, size, size, 4] with values in [0, 1].
// `means` [V]: see grey_mean.wgsl. One workgroup: 64 pixels of one view; one invocation: one pixel.
// #include "lib/grid.wgsl"
// #include "lib/colour.wgsl"

struct Params { views: u32, pixels: u32, groups_per_view: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> views: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> means: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, 0u, 1u);
  let view = index / params.groups_per_view;
  let pixel = (index % params.groups_per_view) * 64u + local;
  if (view >= params.views || pixel >= params.pixels) { return; }
  let second = parameters[4u * view + 1u];
  let third = parameters[4u * view + 2u];
  let last = parameters[4u * view + 3u];
  let order = vec4(third.yzw, last.x);
  let factors = vec4(second.yzw, third.x);
  if (all(order == vec4(0.0)) && last.y == 0.0) { return; }

  let i = view * params.pixels + pixel;
  let mean = means[view];
  var c = views[i].rgb;
  if (last.y == 2.0) { c = vec3(grey(c)); }
  for (var k = 0u; k < 4u; k++) { c = jitter(c, order[k], factors, mean); }
  if (last.y == 1.0) { c = vec3(grey(c)); }
  views[i] = vec4(c, 0.0);
}
