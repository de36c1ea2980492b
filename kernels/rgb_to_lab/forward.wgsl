// CIE Lab of normalised sRGB pixels: three channels of y are a chosen one of L, a and b each, (lab[take] − centre) · scale, the fourth is
// 0. White is D65 of 2 degrees. One invocation: one pixel.
// #include "lib/grid.wgsl"

struct Params {
  pixels: u32,
  mean_r: f32, mean_g: f32, mean_b: f32, std_r: f32, std_g: f32, std_b: f32,
  take_0: u32, take_1: u32, take_2: u32,
  centre_0: f32, centre_1: f32, centre_2: f32, scale_0: f32, scale_1: f32, scale_2: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// sRGB's curve undone.
fn linear_light(c: vec3<f32>) -> vec3<f32> {
  return select(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), c > vec3(0.04045));
}

// The cube root, but straight near 0. A step of Newton's makes up for what `pow` leaves to devices.
fn compressed(t: vec3<f32>) -> vec3<f32> {
  let rough = pow(max(t, vec3(0.008)), vec3(1.0 / 3.0));
  let root = (2.0 * rough + max(t, vec3(0.008)) / (rough * rough)) / 3.0;
  return select(7.787 * t + 16.0 / 116.0, root, t > vec3(0.008856));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.pixels) { return; }
  let mean = vec3(params.mean_r, params.mean_g, params.mean_b);
  let deviation = vec3(params.std_r, params.std_g, params.std_b);
  let c = linear_light(clamp(x[i].rgb * deviation + mean, vec3(0.0), vec3(1.0)));
  let f = compressed(vec3(
    dot(c, vec3(0.412453, 0.357580, 0.180423)) / 0.95047,
    dot(c, vec3(0.212671, 0.715160, 0.072169)),
    dot(c, vec3(0.019334, 0.119193, 0.950227)) / 1.08883,
  ));
  let lab = vec3(116.0 * f.y - 16.0, 500.0 * (f.x - f.y), 200.0 * (f.y - f.z));
  let taken = vec3(lab[params.take_0], lab[params.take_1], lab[params.take_2]);
  let centre = vec3(params.centre_0, params.centre_1, params.centre_2);
  let scale = vec3(params.scale_0, params.scale_1, params.scale_2);
  y[i] = vec4((taken - centre) * scale, 0.0);
}
