// y = the drawn operation of each view, done to x; both [V, size, size, 4] with values in [0, 1], drawn [V, slots] = (operation, magnitude m,
// u, v): see draw_operations.wgsl. torchvision's formulas:
//   shears about the upper left corner by m pixels a pixel, translations by m pixels, rotations about the centre by m degrees, all counted
//     as torchvision does, the nearest pixel taken, 0 outside;   turn: m quarters counter-clockwise
//   saturation (1 + m) c − m grey(c);   sharpness (1 + m) b − m s with s = the 3 × 3 mean of bytes b with weight 5 in the middle, rounded; the
//     border is kept;   cutout: 0 in a square of m pixels around (u, v);   noise: c + m · normal numbers, clamped
//   the others: see curves.wgsl
// One workgroup: 64 pixels of one view; one invocation: one pixel.
// #include "lib/grid.wgsl"
// #include "lib/colour.wgsl"
// #include "lib/random.wgsl"
// #include "lib/augment/operations.wgsl"

struct Params { views: u32, size: u32, groups_per_view: u32, slots: u32, slot: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> drawn: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> curves: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

// The sine of up to 60 degrees by its series, to f32: WGSL promises eleven bits of sin().
fn sine(degrees: f32) -> f32 {
  let a = radians(degrees);
  let q = a * a;
  return a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0)))));
}

// Where the pixel `at` (column, row) comes from.
fn source(operation: u32, m: f32, at: vec2<f32>) -> vec2<f32> {
  let size = f32(params.size);
  let middle = vec2(0.5 * (size - 1.0));
  let centred = at - middle;
  switch (operation) {
    case shear_x: { return vec2(at.x + m * (at.y + 0.5), at.y); }
    case shear_y: { return vec2(at.x, at.y + m * (at.x + 0.5)); }
    case translate_x: { return vec2(at.x - m, at.y); }
    case translate_y: { return vec2(at.x, at.y - m); }
    case rotate: {
      let s = sine(m);
      let c = sqrt(1.0 - s * s);
      return middle + vec2(c * centred.x - s * centred.y, s * centred.x + c * centred.y);
    }
    default: {
      switch (u32(m)) {
        case 1u: { return vec2(size - 1.0 - at.y, at.x); }
        case 2u: { return vec2(size - 1.0) - at; }
        case 3u: { return vec2(at.y, size - 1.0 - at.x); }
        default: { return at; }
      }
    }
  }
}

fn moved(first: u32, operation: u32, m: f32, at: vec2<u32>) -> vec3<f32> {
  let place = vec2<i32>(round(source(operation, m, vec2<f32>(at))));
  let size = i32(params.size);
  if (any(place < vec2(0)) || any(place >= vec2(size))) { return vec3<f32>(); }
  return x[first + u32(place.y * size + place.x)].rgb;
}

fn sharpened(first: u32, m: f32, at: vec2<u32>) -> vec3<f32> {
  let i = first + at.y * params.size + at.x;
  let c = x[i].rgb;
  if (any(at == vec2(0u)) || any(at == vec2(params.size - 1u))) { return c; }
  let centre = bytes_of(c);
  var sum = 4.0 * centre;
  for (var row = at.y - 1u; row <= at.y + 1u; row++) {
    for (var column = at.x - 1u; column <= at.x + 1u; column++) {
      sum += bytes_of(x[first + row * params.size + column].rgb);
    }
  }
  let smooth_bytes = floor(sum / 13.0 + 0.5);
  return clamp((1.0 + m) * centre - m * smooth_bytes, vec3(0.0), vec3(255.0)) / 255.0;
}

// Two normal numbers by Box and Muller.
fn normal(key: u32, draw: u32) -> vec2<f32> {
  let radius = sqrt(-2.0 * log(1.0 - uniform01(key, draw)));
  let angle = 6.2831853 * uniform01(key, draw + 1u);
  return radius * vec2(cos(angle), sin(angle));
}

fn noisy(c: vec3<f32>, m: f32, place: vec2<f32>, pixel: u32) -> vec3<f32> {
  let bits = vec2<u32>(place * 16777216.0);
  let key = mix_counter(mix_counter(bits.x, bits.y), pixel);
  return clamp(c + m * vec3(normal(key, 0u), normal(key, 2u).x), vec3(0.0), vec3(1.0));
}

// Whether a pixel lies in a square around (column, row) ⌊size · place⌋.
fn in_square(place: vec2<f32>, side: f32, at: vec2<u32>) -> bool {
  let centre = vec2<i32>(floor(place * f32(params.size)));
  let half = i32(side) / 2;
  let p = vec2<i32>(at);
  return all(p >= centre - half) && all(p < centre + half);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, 0u, 1u);
  let view = index / params.groups_per_view;
  let pixels = params.size * params.size;
  let pixel = (index % params.groups_per_view) * 64u + local;
  if (view >= params.views || pixel >= pixels) { return; }
  let first = view * pixels;
  let row = pixel / params.size;
  let at = vec2(pixel - row * params.size, row);
  let one = drawn[view * params.slots + params.slot];
  let operation = u32(one.x);
  let m = one.y;
  var c = x[first + pixel].rgb;
  switch (operation) {
    case 0u: {}
    case shear_x, shear_y, translate_x, translate_y, rotate, turn: { c = moved(first, operation, m, at); }
    case saturation: { c = blend(c, grey(c), 1.0 + m); }
    case sharpness: { c = sharpened(first, m, at); }
    case cutout: { if (in_square(one.zw, m, at)) { c = vec3<f32>(); } }
    case gaussian_noise: { c = noisy(c, m, one.zw, pixel); }
    default: {
      let b = vec3<u32>(bytes_of(c));
      let curve = 768u * view;
      c = vec3(curves[curve + b.r], curves[curve + 256u + b.g], curves[curve + 512u + b.b]);
    }
  }
  y[first + pixel] = vec4(c, 0.0);
}
