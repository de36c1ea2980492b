// One of the two passes of a Gaussian blur, along rows (stride 1) or along columns (stride size), of views [V, size, size, 4]:
//   y = (Σ_k w_k x[i + k] / Σ_k w_k − mean) · rstd,   w_k = exp(−k²/(2σ²)), |k| ≤ radius, reflected at the border
// A view whose σ is 0 is not blurred. In the last pass a view may be solarised before it is normalised: c becomes 1 − c where c ≥ 1/2. y holds `Stored`, vec4 of f32 or of f16. One workgroup: 64 pixels of one view; one invocation: one pixel.
// #include "lib/grid.wgsl"

struct Params {
  views: u32, size: u32, stride: u32, radius: u32, groups_per_view: u32, last: u32,
  mean_r: f32, mean_g: f32, mean_b: f32, rstd_r: f32, rstd_g: f32, rstd_b: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

fn reflected(position: i32) -> i32 {
  let last = i32(params.size) - 1;
  return last - abs(last - abs(position));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, 0u, 1u);
  let view = index / params.groups_per_view;
  let pixels = params.size * params.size;
  let pixel = (index % params.groups_per_view) * 64u + local;
  if (view >= params.views || pixel >= pixels) { return; }
  let i = view * pixels + pixel;
  let fourth = parameters[4u * view + 3u];
  let sigma = fourth.z;
  var c = x[i].rgb;
  if (sigma > 0.0) {
    let at = i32((pixel / params.stride) % params.size);
    let scale = -0.5 / (sigma * sigma);
    var total = 1.0;
    for (var k = 1; k <= i32(params.radius); k++) {
      let w = exp(scale * f32(k * k));
      let before = i32(i) + (reflected(at - k) - at) * i32(params.stride);
      let after = i32(i) + (reflected(at + k) - at) * i32(params.stride);
      c += w * (x[before].rgb + x[after].rgb);
      total += 2.0 * w;
    }
    c /= total;
  }
  if (params.last != 0u && fourth.w != 0.0) { c = select(c, 1.0 - c, c >= vec3(0.5)); }
  let mean = vec3(params.mean_r, params.mean_g, params.mean_b);
  let rstd = vec3(params.rstd_r, params.rstd_g, params.rstd_b);
  y[i] = Stored(vec4((c - mean) * rstd, 0.0));
}
