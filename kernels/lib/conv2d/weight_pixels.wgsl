// What the kernels for the weight gradient with subgroups share: their interface, and how pixels are counted and loaded.
// Whoever includes this has `Value`.
// #include "lib/conv2d/weight_interface.wgsl"

// An output pixel: its place, counted along because a division for each would cost more than its products.
struct Pixel {
  image: u32,
  y: u32,
  x: u32,
}

fn next(pixel: Pixel) -> Pixel {
  let place_ends = pixel.image + 1u == params.batch;
  let row_ends = place_ends && pixel.x + 1u == params.out_width;
  return Pixel(
    select(pixel.image + 1u, 0u, place_ends),
    pixel.y + select(0u, 1u, row_ends),
    select(pixel.x + select(0u, 1u, place_ends), 0u, row_ends),
  );
}

// Where the column's tap lies for a pixel, as an index into x; OUTSIDE if it is not in the image.
const OUTSIDE = 0xffffffffu;

fn source_of(pixel: Pixel, exists: bool, tap_y: i32, tap_x: i32, quad: u32) -> u32 {
  let y = u32(i32(pixel.y * params.stride) + tap_y);
  let x = u32(i32(pixel.x * params.stride) + tap_x);
  // A negative coordinate is a huge unsigned one.
  let inside = exists && y < params.height && x < params.width;
  return select(OUTSIDE, ((pixel.image * params.height + y) * params.width + x) * (params.channels / 4u) + quad, inside);
}

fn load_x(source: u32) -> vec4<f32> {
  return select(vec4<f32>(x[select(source, 0u, source == OUTSIDE)]), vec4<f32>(), source == OUTSIDE);
}

fn load_dy(pixel: Pixel, exists: bool, out_quad: u32) -> vec4<f32> {
  let index = ((pixel.image * params.out_height + pixel.y) * params.out_width + pixel.x) * (params.out_channels / 4u) + out_quad;
  return vec4<f32>(dy[select(0u, index, exists)]);
}
