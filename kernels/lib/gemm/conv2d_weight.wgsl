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
// workgroup memory as they come. A thread's tap is fixed and its 4 pixels are counted along: a step takes no division.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / tile_columns), ceil(out_channels / tile_rows), slices)
// #include "lib/gemm/tile.wgsl"
// #include "lib/gemm/loaded.wgsl"

struct Params {
  batch: u32,
  height: u32,
  width: u32,
  channels: u32,
  out_height: u32,
  out_width: u32,
  out_channels: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride: u32,
  padding: u32,
  slice: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;

// The column of w that a thread loads for: a tap (source coordinates of it for the output pixel (0, 0)) and 4 channels.
struct Column {
  exists: bool,
  y: i32,
  x: i32,
  quad: i32,
}

fn column_of(number: u32) -> Column {
  let quads = params.channels / 4u;
  let tap = number / quads;
  let tap_y = tap / params.kernel_width;
  return Column(
    tap_y < params.kernel_height,
    i32(tap_y) - i32(params.padding),
    i32(tap % params.kernel_width) - i32(params.padding),
    i32(number % quads),
  );
}

// 4 output pixels: their numbers, and what is above and left of their patches, y counted from the top of the first image.
struct Pixels {
  number: vec4<u32>,
  image: vec4<i32>,
  y: vec4<i32>,
  x: vec4<i32>,
}

fn pixels_from(first: u32) -> Pixels {
  let number = first + vec4(0u, 1u, 2u, 3u);
  let row = number / params.out_width;
  return Pixels(
    number,
    vec4<i32>(row / params.out_height * params.height),
    vec4<i32>(row % params.out_height * params.stride),
    vec4<i32>(number % params.out_width * params.stride),
  );
}

// The pixels tile_depth further on; `by` is pixels_from(tile_depth). Only who reads x asks where they are.
fn further(pixels: Pixels, by: Pixels, places: bool) -> Pixels {
  var next = pixels;
  next.number += tile_depth;
  if (places) {
    let stride = i32(params.stride);
    let width = i32(params.out_width) * stride;
    let height = i32(params.out_height) * stride;
    let x = pixels.x + by.x.x;
    let row_ends = x >= vec4(width);
    let y = pixels.y + by.y.x + select(vec4(0), vec4(stride), row_ends);
    let image_ends = y >= vec4(height);
    next.image = pixels.image + by.image.x + select(vec4(0), vec4(i32(params.height)), image_ends);
    next.y = select(y, y - height, image_ends);
    next.x = select(x, x - width, row_ends);
  }
  return next;
}

fn load_dy(pixels: Pixels, end: u32, quad: u32) -> Loaded {
  let quads = params.out_channels / 4u;
  let inside = (pixels.number < vec4(end)) & vec4(quad < quads);
  let at = select(vec4<u32>(), pixels.number * quads + quad, inside);
  return Loaded(dy[at.x], dy[at.y], dy[at.z], dy[at.w], inside);
}

fn load_x(pixels: Pixels, end: u32, column: Column) -> Loaded {
  let row = pixels.y + column.y;
  let place = pixels.x + column.x;
  // A negative coordinate is a huge unsigned one.
  let inside = (pixels.number < vec4(end)) & vec4(column.exists)
    & (vec4<u32>(row) < vec4(params.height)) & (vec4<u32>(place) < vec4(params.width));
  let source = ((pixels.image + row) * i32(params.width) + place) * i32(params.channels / 4u) + column.quad;
  let at = select(vec4<u32>(), vec4<u32>(source), inside);
  return Loaded(x[at.x], x[at.y], x[at.z], x[at.w], inside);
}

// What a thread loads: 4 out channels of dy or a column's 4 channels of x.
fn load(block: Block, pixels: Pixels, end: u32, out_quad: u32, column: Column) -> Loaded {
  var loaded: Loaded;
  if (block.of_right) {
    loaded = load_x(pixels, end, column);
  } else {
    loaded = load_dy(pixels, end, out_quad);
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
    var next = Loaded();
    if (i < steps && block.exists) {
      next = load(block, pixels, end, out_quad, column);
      pixels = further(pixels, by, block.of_right);
    }
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
