// curves[v] [3, 256] = what the operation of view v makes of each byte of each channel, in [0, 1]; drawn [views, slots]: see
// draw_operations.wgsl. Views whose operation is no such function are left out. torchvision's formulas for bytes:
//   brightness (1 + m) b;   contrast (1 + m) b − m · mean grey (both clamped, not cut to bytes);   invert 255 − b
//   posterize: the upper m bits;   solarize: b ≥ m inverted;   solarize_add: m added below 128
//   auto_contrast ⌊255 (b − least)/(greatest − least)⌋;   equalize ⌊(step/2 + pixels below b)/step⌋, step = ⌊pixels not of the greatest/255⌋
// One workgroup: one view; one invocation: every 64th pixel, then one of the channels.
// #include "lib/grid.wgsl"
// #include "lib/augment/operations.wgsl"

struct Params { views: u32, pixels: u32, slots: u32, slot: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> drawn: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> curves: array<f32>;

var<workgroup> counts: array<atomic<u32>, 768>;
// Of each channel: the least byte, the greatest, the sum of all.
var<workgroup> least: array<u32, 3>;
var<workgroup> greatest: array<u32, 3>;
var<workgroup> sums: array<f32, 3>;

fn summarise(channel: u32) {
  var low = 255u;
  var high = 0u;
  var sum = 0.0;
  for (var b = 0u; b < 256u; b++) {
    let n = atomicLoad(&counts[256u * channel + b]);
    if (n > 0u) {
      low = min(low, b);
      high = b;
      sum += f32(b) * f32(n);
    }
  }
  least[channel] = low;
  greatest[channel] = high;
  sums[channel] = sum;
}

fn write_curve(view: u32, channel: u32, operation: u32, m: f32) {
  let low = least[channel];
  let high = greatest[channel];
  let mean = dot(vec3(sums[0], sums[1], sums[2]), vec3(0.2989, 0.587, 0.114)) / f32(params.pixels);
  let step = (params.pixels - atomicLoad(&counts[256u * channel + high])) / 255u;
  let bits = (256u - (1u << u32(clamp(8.0 - m, 0.0, 8.0)))) & 255u;
  var below = 0u;
  for (var b = 0u; b < 256u; b++) {
    var y = f32(b);
    switch (operation) {
      case brightness: { y = clamp((1.0 + m) * y, 0.0, 255.0); }
      case contrast: { y = clamp((1.0 + m) * y - m * mean, 0.0, 255.0); }
      case posterize: { y = f32(b & bits); }
      case solarize: { if (y >= m) { y = 255.0 - y; } }
      case solarize_add: { if (b < 128u) { y = min(255.0, y + m); } }
      case invert: { y = 255.0 - y; }
      case auto_contrast: { if (high > low && b >= low && b <= high) { y = f32((255u * (b - low)) / (high - low)); } }
      case equalize: { if (step > 0u) { y = f32(min(255u, select(0u, (below + step / 2u) / step, b > 0u))); } }
      default: {}
    }
    below += atomicLoad(&counts[256u * channel + b]);
    curves[(3u * view + channel) * 256u + b] = y / 255.0;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let view = flat_index(group, groups, 0u, 1u);
  if (view >= params.views) { return; }
  let operation = drawn[view * params.slots + params.slot];
  if (u32(operation.x) < first_curve) { return; }
  for (var i = local; i < params.pixels; i += 64u) {
    let b = vec3<u32>(bytes_of(x[view * params.pixels + i].rgb));
    for (var channel = 0u; channel < 3u; channel++) { atomicAdd(&counts[256u * channel + b[channel]], 1u); }
  }
  workgroupBarrier();
  if (local < 3u) { summarise(local); }
  workgroupBarrier();
  if (local < 3u) { write_curve(view, local, u32(operation.x), operation.y); }
}
