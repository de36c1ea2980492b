// Views by a resized crop and a flip, out of packed RGB bytes; row r of views [V, size, size, 4] comes from image r mod N, the
// fourth channel is 0:  views = (resampled / 255 − mean) · rstd
// A pixel is the mean of the crop's pixels j under a triangle, weights max(0, 1 − |j + ½ − c|/s), c = (i + ½)·length/size, along each
// axis: with s = 1 PyTorch's bilinear interpolation without aligned corners, with s = max(1, length/size) its antialiased one.
// `parameters` [V, 16]: see draw.wgsl. One workgroup: 64 pixels of one view; one invocation: one pixel.
// #include "lib/grid.wgsl"

struct Params {
  views: u32, count: u32, words: u32, width: u32, size: u32, groups_per_view: u32, antialias: u32,
  mean_r: f32, mean_g: f32, mean_b: f32, rstd_r: f32, rstd_g: f32, rstd_b: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<u32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> views: array<vec4<f32>>;

// The pixels first … end − 1 that a triangle covers.
struct Taps { first: u32, end: u32, centre: f32, reach: f32 }

fn taps(i: u32, length: f32) -> Taps {
  let scale = length / f32(params.size);
  let centre = (f32(i) + 0.5) * scale;
  let reach = select(1.0, max(1.0, scale), params.antialias != 0u);
  return Taps(u32(max(0.0, floor(centre - reach + 0.5))), u32(min(length, floor(centre + reach + 0.5))), centre, reach);
}

fn weight(t: Taps, j: u32) -> f32 { return max(0.0, 1.0 - abs(f32(j) + 0.5 - t.centre) / t.reach); }

// Three bytes from byte 3·pixel on, which lie in one word or in two.
fn colour_at(start: u32, pixel: u32) -> vec3<f32> {
  let byte = 3u * pixel;
  let shift = 8u * (byte & 3u);
  let low = images[start + (byte >> 2u)] >> shift;
  let high = images[start + ((byte + 2u) >> 2u)] << ((32u - shift) & 31u);
  return unpack4x8unorm(select(low, low | high, shift > 8u)).rgb;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, 0u, 1u);
  let view = index / params.groups_per_view;
  let pixel = (index % params.groups_per_view) * 64u + local;
  if (view >= params.views || pixel >= params.size * params.size) { return; }
  let crop = parameters[4u * view];
  let flip = parameters[4u * view + 1u].x != 0.0;
  let row = pixel / params.size;
  let column = pixel - row * params.size;
  let ys = taps(row, crop.z);
  let xs = taps(select(column, params.size - 1u - column, flip), crop.w);
  let start = (view % params.count) * params.words;

  var sum = vec3<f32>();
  var total = 0.0;
  for (var y = ys.first; y < ys.end; y++) {
    let first = (u32(crop.x) + y) * params.width + u32(crop.y);
    for (var x = xs.first; x < xs.end; x++) {
      let w = weight(ys, y) * weight(xs, x);
      sum += w * colour_at(start, first + x);
      total += w;
    }
  }
  let mean = vec3(params.mean_r, params.mean_g, params.mean_b);
  let rstd = vec3(params.rstd_r, params.rstd_g, params.rstd_b);
  views[view * params.size * params.size + pixel] = vec4((sum / total - mean) * rstd, 0.0);
}
