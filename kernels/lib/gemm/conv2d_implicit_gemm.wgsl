// 2-D convolution, forward and input gradient, as the matrix product of patches and weights (implicit: no patch is stored).
//
//   forward          y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c]
//   input gradient   the same over x := dy, w := the weights transposed to [I,kh,kw,O], y := dx (see lib/conv2d/implicit_gemm.wgsl)
//
//   x [batch, height, width, channels], w [out_channels, kernel_height, kernel_width, channels],
//   y [batch, out_height, out_width, out_channels]; channels and out_channels are multiples of 4; `Value` is vec4 of f32 or f16.
//
// Rows of the tile are pixels, its columns out channels, and the sum runs over (ky, kx, c): both matrices lie along it in memory,
// so a thread loads 4 pixels (or 4 rows of w) × 4 channels, and neighbours (4 or 2 of them) the next channels: 64 or 32 bytes in
// a row. Addresses of a thread's 4 pixels are computed once; a step adds the offset of its tap, the same for all 4.
//
// Input gradient: pixels of dx with the same (iy mod stride, ix mod stride) use the same taps. A workgroup takes its pixels from one
// of these classes and walks their taps only, so nothing is multiplied by the zeros that stride puts between elements of dy. The
// classes with most taps come first: the last workgroups to run are then the short ones.
//
// Grid: classes = input_gradient ? stride² : 1;  rows = ceil(out_height / (input_gradient ? stride : 1)), columns likewise;
//       tiles = classes · ceil(batch · rows · columns / tile_rows)
//       dispatch(ceil(out_channels / tile_columns), min(tiles, 65535), ceil(tiles / min(tiles, 65535)))
// #include "lib/gemm/tile.wgsl"
// #include "lib/gemm/loaded.wgsl"
// #include "lib/gemm/conv2d_pixels.wgsl"
// #include "lib/conv2d/implicit_gemm_params.wgsl"

@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> w: array<Value>;
@group(0) @binding(3) var<storage, read_write> y: array<Value>;

// What a thread loads from: 4 pixels, for tap 0 at the source coordinates (y, x), or 4 rows of w; at: vec4s from the start. The 4
// channels of tap (ty, tx) lie ty·row + tx·column further on, at the coordinates (y, x) + direction·(ty, tx): a row of w has direction 0
// and so stays at (0, 0), which is always inside. What to load is then computed alike by all threads, whichever matrix they bring.
struct Rows {
  at: vec4<i32>,
  y: vec4<i32>,
  x: vec4<i32>,
  row: i32,
  column: i32,
  direction: i32,
}

// Pixels past the end lie far outside, where every tap is.
const outside = -0x40000000;

fn pixel_rows(first: u32, vertical: Axis, horizontal: Axis) -> Rows {
  let a = pixel_of(first, vertical, horizontal);
  let b = after(a, vertical, horizontal);
  let c = after(b, vertical, horizontal);
  let d = after(c, vertical, horizontal);
  let image = vec4(a.image, b.image, c.image, d.image);
  let row = vertical.origin + vertical.scale * vec4<i32>(vec4(a.row, b.row, c.row, d.row));
  let column = horizontal.origin + horizontal.scale * vec4<i32>(vec4(a.column, b.column, c.column, d.column));
  let at = ((vec4<i32>(image * params.height) + row) * i32(params.width) + column) * i32(params.channels / 4u);
  let direction = select(1, -1, params.input_gradient != 0u);
  let to_column = direction * i32(params.channels / 4u);
  let y = select(vec4(outside), row, image < vec4(params.batch));
  return Rows(at, y, column, to_column * i32(params.width), to_column, direction);
}

// Out channels past the end read the last one and are not written.
fn weight_rows(first: u32, vertical: Axis, horizontal: Axis) -> Rows {
  let quads = params.channels / 4u;
  let to_row = params.kernel_width * quads;
  let channels = min(first + vec4(0u, 1u, 2u, 3u), vec4(params.out_channels - 1u));
  let first_tap = vertical.first_tap * to_row + horizontal.first_tap * quads;
  let at = vec4<i32>(channels * (params.kernel_height * to_row) + first_tap);
  return Rows(at, vec4<i32>(), vec4<i32>(), i32(vertical.step * to_row), i32(horizontal.step * quads), 0);
}

// Where in the sum a thread's 4 terms are: 4 channels of a tap of the class.
struct Term {
  quad: u32,
  tap_x: u32,
  tap_y: u32,
}

fn term_of(depth_quad: u32, quads: u32, horizontal: Axis) -> Term {
  let tap = depth_quad / quads;
  let taps = max(1u, horizontal.taps);
  return Term(depth_quad % quads, tap % taps, tap / taps);
}

// `term` + `by`, carried along: a step takes no division.
fn sum_of(term: Term, by: Term, quads: u32, horizontal: Axis) -> Term {
  let quad = term.quad + by.quad;
  let next_tap = quad >= quads;
  let tap_x = term.tap_x + by.tap_x + select(0u, 1u, next_tap);
  let next_row = tap_x >= horizontal.taps;
  return Term(
    select(quad, quad - quads, next_tap),
    select(tap_x, tap_x - horizontal.taps, next_row),
    term.tap_y + by.tap_y + select(0u, 1u, next_row),
  );
}

// The terms of a step, of which those behind the last one are outside. Loads stand behind no condition but which matrix it is: a driver
// that has to merge a loaded value with another waits for it here, before the products that are to hide its way.
fn load(block: Block, rows: Rows, term: Term, vertical: Axis) -> Loaded {
  let y = rows.y + rows.direction * i32(term.tap_y);
  let x_of_tap = rows.x + rows.direction * i32(term.tap_x);
  // A negative coordinate is a huge unsigned one.
  let inside = (vec4<u32>(y) < vec4(params.height)) & (vec4<u32>(x_of_tap) < vec4(params.width))
    & vec4(block.exists && term.tap_y < vertical.taps);
  let offset = i32(term.tap_y) * rows.row + i32(term.tap_x) * rows.column + i32(term.quad);
  let at = select(vec4<u32>(), vec4<u32>(rows.at + offset), inside);
  var loaded: Loaded;
  if (block.of_right) {
    loaded = Loaded(w[at.x], w[at.y], w[at.z], w[at.w], inside);
  } else {
    loaded = Loaded(x[at.x], x[at.y], x[at.z], x[at.w], inside);
  }
  return loaded;
}

fn put(block: Block, stage: u32, loaded: Loaded) {
  put_terms(block, stage, transpose(matrix_of(loaded)));
}

// 4 pixels in a row of a thread's sums, and the first of the out channels (in vec4s).
struct Pixels {
  first: u32,
  end: u32,
  out_quad: u32,
}

fn write_pixel(number: u32, pixels: Pixels, pixel: Pixel, vertical: Axis, horizontal: Axis, low: vec4<f32>, high: vec4<f32>) {
  let out_quads = params.out_channels / 4u;
  if (number >= pixels.end) { return; }
  let to = written_at(pixel, vertical, horizontal) * out_quads + pixels.out_quad;
  if (pixels.out_quad < out_quads) { y[to] = Value(low); }
  if (pixels.out_quad + tile_columns / 8u < out_quads) { y[to + tile_columns / 8u] = Value(high); }
}

fn write_pixels(pixels: Pixels, vertical: Axis, horizontal: Axis, sums: array<vec4<f32>, 8>) {
  let a = pixel_of(pixels.first, vertical, horizontal);
  let b = after(a, vertical, horizontal);
  let c = after(b, vertical, horizontal);
  let d = after(c, vertical, horizontal);
  write_pixel(pixels.first, pixels, a, vertical, horizontal, sums[0], sums[1]);
  write_pixel(pixels.first + 1u, pixels, b, vertical, horizontal, sums[2], sums[3]);
  write_pixel(pixels.first + 2u, pixels, c, vertical, horizontal, sums[4], sums[5]);
  write_pixel(pixels.first + 3u, pixels, d, vertical, horizontal, sums[6], sums[7]);
}

@compute @workgroup_size(threads)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let gradient = params.input_gradient != 0u;
  let pitch = select(1u, params.stride, gradient);
  let most_pixels = params.batch * ((params.out_height + pitch - 1u) / pitch) * ((params.out_width + pitch - 1u) / pitch);
  let tiles_of_class = (most_pixels + tile_rows - 1u) / tile_rows;
  let number = workgroup.y + workgroup.z * workgroups.y;
  let class_number = number / tiles_of_class;
  let vertical = axis_of(class_number / pitch, params.kernel_height, params.out_height);
  let horizontal = axis_of(class_number % pitch, params.kernel_width, params.out_width);
  let pixels = params.batch * vertical.count * horizontal.count;
  let first_pixel = number % tiles_of_class * tile_rows;
  let first_channel = workgroup.x * tile_columns;
  if (class_number >= pitch * pitch || first_pixel >= pixels) { return; }

  let block = block_of(thread, true, true);
  let quads = params.channels / 4u;
  var rows: Rows;
  if (block.of_right) {
    rows = weight_rows(first_channel + block.quad * 4u, vertical, horizontal);
  } else {
    rows = pixel_rows(first_pixel + block.quad * 4u, vertical, horizontal);
  }
  var term = term_of(block.depth_quad, quads, horizontal);
  let step = term_of(depth_quads, quads, horizontal);
  let steps = (vertical.taps * horizontal.taps * quads + depth_quads - 1u) / depth_quads;

  let corner = corner_of(thread);
  var sums: Sums;
  for (var i = 0u; i <= steps; i++) {
    let next = load(block, rows, term, vertical);
    term = sum_of(term, step, quads, horizontal);
    if (i > 0u) { add_stage(&sums, (i - 1u) & 1u, corner); }
    if (i < steps) { put(block, i & 1u, next); }
    workgroupBarrier();
  }

  let columns = first_channel / 4u + corner.column_quad;
  let upper = Pixels(first_pixel + corner.row_quad * 4u, pixels, columns);
  write_pixels(upper, vertical, horizontal, array(sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]));
  let lower = Pixels(upper.first + tile_rows / 2u, pixels, columns);
  write_pixels(lower, vertical, horizontal, array(sums[8], sums[9], sums[10], sums[11], sums[12], sums[13], sums[14], sums[15]));
}
