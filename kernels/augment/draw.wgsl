// Draws what `augment` does to each view; parameters [views N, 16], row r is view ⌊r/N⌋ of the sample indices[r mod N]:
//   top, left, height, width, flip, brightness, contrast, saturation, hue, four operations in order, grayscale, sigma,
//   solarize
// (operations: 0 none, 1 brightness, 2 contrast, 3 saturation, 4 hue; grayscale 2: before them; sigma 0: no blur). Every number is a hash of
// (seed, epoch, sample, view, draw): `seeds` [4] = [seed low, seed high, epoch, stream]. One invocation: one view.
// #include "lib/grid.wgsl"
// #include "lib/random.wgsl"

struct Params {
  count: u32, views: u32, height: u32, width: u32,
  scale_min: f32, scale_max: f32, ratio_min: f32, ratio_max: f32, log_ratio_min: f32, log_ratio_max: f32,
  flip: f32, jitter: f32, strength: f32, saturation: f32, hue: f32, grayscale: f32, blur: f32, solarize: f32,
  sigma_min: f32, sigma_max: f32, grayscale_first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> seeds: array<u32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<vec4<f32>>;

const flip_draw = 0u;
const jitter_draw = 1u;
const factor_draw = 2u; // and the three after it: brightness, contrast, saturation, hue
const grayscale_draw = 6u;
const blur_draw = 7u;
const sigma_draw = 8u;
const order_draw = 9u; // and the two after it
const solarize_draw = 12u;
const crop_draw = 16u; // and four a try

// torchvision's RandomResizedCrop.get_params: top, left, height, width.
fn draw_crop(key: u32) -> vec4<f32> {
  let size = vec2(f32(params.height), f32(params.width));
  for (var attempt = 0u; attempt < 10u; attempt++) {
    let draw = crop_draw + 4u * attempt;
    let area = size.x * size.y * uniform_between(key, draw, params.scale_min, params.scale_max);
    let ratio = exp(uniform_between(key, draw + 1u, params.log_ratio_min, params.log_ratio_max));
    let crop = round(sqrt(vec2(area / ratio, area * ratio)));
    if (all(crop > vec2(0.0)) && all(crop <= size)) {
      let top = uniform_below(key, draw + 2u, u32(size.x - crop.x) + 1u);
      let left = uniform_below(key, draw + 3u, u32(size.y - crop.y) + 1u);
      return vec4(f32(top), f32(left), crop);
    }
  }
  let whole = size.y / size.x;
  var crop = size;
  if (whole < params.ratio_min) { crop.x = round(size.y / params.ratio_min); }
  else if (whole > params.ratio_max) { crop.y = round(size.x * params.ratio_max); }
  return vec4(floor((size - crop) * 0.5), crop);
}

// A permutation of 1 … 4 by Fisher and Yates.
fn draw_order(key: u32) -> vec4<f32> {
  var order = vec4(1.0, 2.0, 3.0, 4.0);
  for (var i = 3u; i > 0u; i--) {
    let j = uniform_below(key, order_draw + 3u - i, i + 1u);
    let moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
  return order;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.views * params.count) { return; }
  let view = row / params.count;
  var key = 0u;
  for (var i = 0u; i < 4u; i++) { key = mix_counter(key, seeds[i]); }
  key = mix_counter(mix_counter(key, indices[row - view * params.count]), view);

  let jitters = params.strength > 0.0 && uniform01(key, jitter_draw) < params.jitter;
  let spread = params.strength * vec4(0.8, 0.8, 0.8 * params.saturation, 0.2 * params.hue);
  let middle = vec4(1.0, 1.0, 1.0, 0.0);
  let low = max(middle - spread, vec4(0.0, 0.0, 0.0, -0.5));
  let high = min(middle + spread, vec4(1e9, 1e9, 1e9, 0.5));
  var factors = middle;
  if (jitters) {
    for (var i = 0u; i < 4u; i++) { factors[i] = uniform_between(key, factor_draw + i, low[i], high[i]); }
  }
  let order = select(vec4(0.0), draw_order(key), jitters);
  let flip = f32(uniform01(key, flip_draw) < params.flip);
  let grayscale = select(0.0, 1.0 + f32(params.grayscale_first), uniform01(key, grayscale_draw) < params.grayscale);
  let blurs = uniform01(key, blur_draw) < params.blur;
  let sigma = select(0.0, uniform_between(key, sigma_draw, params.sigma_min, params.sigma_max), blurs);
  let solarize = f32(uniform01(key, solarize_draw) < params.solarize);

  parameters[4u * row] = draw_crop(key);
  parameters[4u * row + 1u] = vec4(flip, factors.xyz);
  parameters[4u * row + 2u] = vec4(factors.w, order.xyz);
  parameters[4u * row + 3u] = vec4(order.w, grayscale, sigma, solarize);
}
