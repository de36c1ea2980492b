// Weight gradient of a 2-D convolution as the matrix product dyᵀ · patches, in sums over slices of the pixels (split-K, no
// atomics, deterministic).
//
//   partials[slice][o,ky,kx,i] = Σ_{(n,oy,ox) in slice} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i]
//
//   dy [batch, out_height, out_width, out_channels], x [batch, height, width, channels]; `Value` is vec4 of f32 or f16
//   partials [slices, out_channels, kernel_height, kernel_width, channels]; reduce_slices.wgsl adds the slices up. With one
//   slice, partials is dw itself. channels and out_channels are multiples of 4. A slice of pixels is `slice` long.
//
// Rows of the tile are out channels, its columns (ky, kx, i), and the sum runs over pixels. Both matrices lie across the sum in
// memory: a thread loads 4 channels of 4 pixels and neighbours the next channels, 256 to 512 bytes in a row; blocks go to
// workgroup memory as they come. A thread's tap is fixed and its 4 pixels are counted along: a step takes no division and no product.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / tile_columns), ceil(out_channels / tile_rows), slices)
// #include "lib/gemm/tile.wgsl"
// #include "lib/gemm/loaded.wgsl"
// #include "lib/conv2d/weight_interface.wgsl"

// The column of w that a thread loads for: a tap, relative to the pixel that it is read for, 4 channels, and what both add to the
// place of that pixel.
struct Column {
  exists: bool,
  y: i32,
  x: i32,
  shift: i32,
}

fn column_of(number: u32) -> Column {
  let quads = params.channels / 4u;
  let tap = number / quads;
  let tap_y = tap / params.kernel_width;
  let y = i32(tap_y) - i32(params.padding);
  let x_of_tap = i32(tap % params.kernel_width) - i32(params.padding);
  let shift = (y * i32(params.width) + x_of_tap) * i32(quads) + i32(number % quads);
  return Column(tap_y < params.kernel_height, y, x_of_tap, shift);
}

// 4 output pixels, numbered from `first` on: where in x, in an image and in vec4s from the start, each of them is read by a tap at (0, 0).
struct Pixels {
  first: u32,
  y: vec4<i32>,
  x: vec4<i32>,
  at: vec4<i32>,
}

fn pixels_from(first: u32) -> Pixels {
  let number = first + vec4(0u, 1u, 2u, 3u);
  let row = number / params.out_width;
  let y = vec4<i32>(row % params.out_height * params.stride);
  let x_of_pixel = vec4<i32>(number % params.out_width * params.stride);
  let line = vec4<i32>(row / params.out_height * params.height) + y;
  return Pixels(first, y, x_of_pixel, (line * i32(params.width) + x_of_pixel) * i32(params.channels / 4u));
}

// The pixels tile_depth further on; `by` is pixels_from(tile_depth). Where a row or an image ends, the place goes on elsewhere.
fn further(pixels: Pixels, by: Pixels) -> Pixels {
  let stride = i32(params.stride);
  let quads = i32(params.channels / 4u);
  let row = i32(params.out_width) * stride;
  let image = i32(params.out_height) * stride;
  let after_row = (stride * i32(params.width) - row) * quads;
  let after_image = (i32(params.height) - image) * i32(params.width) * quads;
  let x_of_pixel = pixels.x + by.x.x;
  let row_ends = x_of_pixel >= vec4(row);
  let y = pixels.y + select(vec4(by.y.x), vec4(by.y.x + stride), row_ends);
  let image_ends = y >= vec4(image);
  let step = select(vec4(by.at.x), vec4(by.at.x + after_row), row_ends) + select(vec4(0), vec4(after_image), image_ends);
  return Pixels(
    pixels.first + tile_depth,
    select(y, y - image, image_ends),
    select(x_of_pixel, x_of_pixel - row, row_ends),
    pixels.at + step,
  );
}

// What a thread loads: 4 out channels of dy or a column's 4 channels of x. Loads stand behind no condition but which of them it is: a
// driver that has to merge a loaded value with another waits for it here, before the products that are to hide its way.
fn load(block: Block, pixels: Pixels, end: u32, out_quad: u32, column: Column) -> Loaded {
  let out_quads = params.out_channels / 4u;
  let next = vec4(0u, 1u, 2u, 3u);
  // A negative coordinate is a huge unsigned one.
  let on_image = (vec4<u32>(pixels.y + column.y) < vec4(params.height)) & (vec4<u32>(pixels.x + column.x) < vec4(params.width));
  let exists = block.exists && select(out_quad < out_quads, column.exists, block.of_right);
  let inside = (pixels.first + next < vec4(end)) & (on_image | vec4(!block.of_right)) & vec4(exists);
  let of_dy = pixels.first * out_quads + out_quad + next * out_quads;
  let at = select(vec4<u32>(), select(of_dy, vec4<u32>(pixels.at + column.shift), block.of_right), inside);
  var loaded: Loaded;
  if (block.of_right) {
    loaded = Loaded(x[at.x], x[at.y], x[at.z], x[at.w], inside);
  } else {
    loaded = Loaded(dy[at.x], dy[at.y], dy[at.z], dy[at.w], inside);
  }
  return loaded;
}

fn put(block: Block, stage: u32, loaded: Loaded) {
  put_terms(block, stage, matrix_of(loaded));
}

fn write_row(out_channel: u32, first: u32, slice: u32, low: vec4<f32>, high: vec4<f32>) {
  let columns = params.kernel_height * params.kernel_width * (params.channels / 4u);
  if (out_channel >= params.out_channels) { return; }
  let to = (slice * params.out_channels + out_channel) * columns + first;
  if (first < columns) { partials[to] = low; }
  if (first + tile_columns / 8u < columns) { partials[to + tile_columns / 8u] = high; }
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first_channel = workgroup.y * tile_rows;
  let first_column = workgroup.x * tile_columns / 4u;
  let slice = workgroup.z;
  let count = params.batch * params.out_height * params.out_width;
  let begin = min(slice * params.slice, count);
  let end = min(begin + params.slice, count);
  let steps = (end - begin + tile_depth - 1u) / tile_depth;

  let block = block_of(thread, false, false);
  let out_quad = first_channel / 4u + block.quad;
  let column = column_of(first_column + block.quad);
  var pixels = pixels_from(begin + block.depth_quad * 4u);
  let by = pixels_from(tile_depth);

  let corner = corner_of(thread);
  var sums: Sums;
  for (var i = 0u; i <= steps; i++) {
    let next = load(block, pixels, end, out_quad, column);
    pixels = further(pixels, by);
    if (i > 0u) { add_stage(&sums, (i - 1u) & 1u, corner); }
    if (i < steps) { put(block, i & 1u, next); }
    workgroupBarrier();
  }

  let row = first_channel + corner.row_quad * 4u;
  let to = first_column + corner.column_quad;
  write_row(row, to, slice, sums[0], sums[1]);
  write_row(row + 1u, to, slice, sums[2], sums[3]);
  write_row(row + 2u, to, slice, sums[4], sums[5]);
  write_row(row + 3u, to, slice, sums[6], sums[7]);
  let lower = row + tile_rows / 2u;
  write_row(lower, to, slice, sums[8], sums[9]);
  write_row(lower + 1u, to, slice, sums[10], sums[11]);
  write_row(lower + 2u, to, slice, sums[12], sums[13]);
  write_row(lower + 3u, to, slice, sums[14], sums[15]);
}
