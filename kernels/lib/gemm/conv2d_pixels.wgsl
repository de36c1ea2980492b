// How the tiled implicit-GEMM convolution counts pixels: classes of those that use the same taps, and the order within a class. It
// uses the parameters of conv2d_implicit_gemm.wgsl.

// One spatial axis of a class: the pixel with number j is written at first + step·j and reads, for t < taps, source
// origin + scale·j + direction·t with tap first_tap + step·t.
struct Axis {
  count: u32,
  first: u32,
  step: u32,
  scale: i32,
  origin: i32,
  first_tap: u32,
  taps: u32,
}

fn axis_of(remainder: u32, kernel: u32, size: u32) -> Axis {
  if (params.input_gradient == 0u) {
    return Axis(size, 0u, 1u, i32(params.stride), -i32(params.padding), 0u, kernel);
  }
  // (first + padding) mod stride = remainder: taps remainder, remainder + stride, …
  let first = (remainder + params.stride - params.padding % params.stride) % params.stride;
  let count = select(0u, (size - first + params.stride - 1u) / params.stride, first < size);
  let taps = select(0u, (kernel - remainder + params.stride - 1u) / params.stride, remainder < kernel);
  return Axis(count, first, params.stride, 1, i32((first + params.padding) / params.stride), remainder, taps);
}

// The pixel with a number, in the order in which they lie in memory.
struct Pixel {
  column: u32,
  row: u32,
  image: u32,
}

fn pixel_of(number: u32, vertical: Axis, horizontal: Axis) -> Pixel {
  let place = number / horizontal.count;
  return Pixel(number % horizontal.count, place % vertical.count, place / vertical.count);
}

fn after(pixel: Pixel, vertical: Axis, horizontal: Axis) -> Pixel {
  let row_ends = pixel.column + 1u == horizontal.count;
  let image_ends = row_ends && pixel.row + 1u == vertical.count;
  return Pixel(
    select(pixel.column + 1u, 0u, row_ends),
    select(pixel.row + select(0u, 1u, row_ends), 0u, image_ends),
    pixel.image + select(0u, 1u, image_ends),
  );
}

fn written_at(pixel: Pixel, vertical: Axis, horizontal: Axis) -> u32 {
  let out_y = vertical.first + vertical.step * pixel.row;
  let out_x = horizontal.first + horizontal.step * pixel.column;
  return (pixel.image * params.out_height + out_y) * params.out_width + out_x;
}
