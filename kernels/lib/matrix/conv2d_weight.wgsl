// Weight gradient of a 2-D convolution on matrix units (lib/matrix/product.wgsl), as partial sums over slices of the pixels (split-K,
// no atomics, deterministic).
//
//   partials[slice][o,ky,kx,i] = Σ_{(n,oy,ox) in slice} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i]
//
//   dy [batch, out_height, out_width, out_channels] f16, x [batch, height, width, channels] f16
//   partials [slices, out_channels, kernel_height, kernel_width, channels] f32; reduce_slices.wgsl adds the slices up.
//   channels and out_channels are multiples of 4; nothing else is assumed.
//
// Left: dy, a row is an out channel; right: x, a column is a tap and channel; the depth are the pixels, in memory order. Both operands
// lie pixel by pixel, in memory and in workgroup memory (LEFT_ACROSS, RIGHT_ACROSS). A thread stays at one tap and quad of
// channels; the source addresses of the next BLOCK_K pixels are computed by as many threads, one step ahead.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / COLUMNS), ceil(out_channels / ROWS), slices)

// #include "lib/matrix/source.wgsl"
// #include "lib/conv2d/weight_params.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;

// Two tables, which take turns: while pixels of one are fetched, the next step's are written to the other.
var<workgroup> pixels: array<vec4<i32>, 2u * BLOCK_K>;

struct Tile {
  exists: bool,
  steps: u32,
  row: u32,
  column: u32,
  slice: u32,
  begin: u32,
  end: u32,
}

fn tile_of(group: vec3<u32>, groups: vec3<u32>) -> Tile {
  let all = params.batch * params.out_height * params.out_width;
  let begin = min(group.z * params.slice, all);
  let end = min(begin + params.slice, all);
  return Tile(true, (end - begin + BLOCK_K - 1u) / BLOCK_K, group.y * ROWS, group.x * COLUMNS, group.z, begin, end);
}

fn pixel_of(tile: Tile, pixel: u32) -> vec4<i32> {
  if (pixel >= tile.end) {
    return NOWHERE;
  }
  let out_x = pixel % params.out_width;
  let out_y = pixel / params.out_width % params.out_height;
  let image = pixel / (params.out_width * params.out_height);
  let source_y = i32(out_y * params.stride) - i32(params.padding);
  let source_x = i32(out_x * params.stride) - i32(params.padding);
  let source = (i32(image * params.height) + source_y) * i32(params.width) + source_x;
  return vec4<i32>(source_y, source_x, source * i32(params.channels / 4u), i32(pixel));
}

// Which factor has zeros where there is none: with it, the other may have anything there.
const LEFT_CHECKED = false;
const RIGHT_CHECKED = true;

fn prepare(tile: Tile, thread: u32) {
}

fn prepare_step(tile: Tile, thread: u32, step: u32) {
  if (thread < BLOCK_K) {
    pixels[step % 2u * BLOCK_K + thread] = pixel_of(tile, tile.begin + step * BLOCK_K + thread);
  }
}

// A thread loads the same column of every pixel (THREADS is a multiple of RIGHT_LINE): one tap and quad of channels.
struct Cursor {
  element: Element,
  table: u32,
}

fn first_cursor(tile: Tile, thread: u32) -> Cursor {
  let quads = params.channels / 4u;
  let word = tile.column / 4u + thread % RIGHT_LINE;
  let tap = word / quads;
  let exists = tap < params.kernel_height * params.kernel_width;
  return Cursor(element_at(exists, i32(tap / params.kernel_width), i32(tap % params.kernel_width), word % quads), 0u);
}

fn advance(tile: Tile, cursor: Cursor) -> Cursor {
  return Cursor(cursor.element, BLOCK_K - cursor.table);
}

// Out channels that do not exist repeat the last ones and are not written. Pixels that do not exist are zeros in the other factor.
fn left_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let pixel = max(pixels[cursor.table + line].w, 0);
  let out_channel = min(tile.row + word * 4u, params.out_channels - 4u);
  return Fetched(dy[(u32(pixel) * params.out_channels + out_channel) / 4u], true);
}

fn right_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let pixel = pixels[cursor.table + line];
  let exists = inside(pixel, cursor.element);
  return Fetched(x[u32(select(0, pixel.z + cursor.element.shift, exists))], exists);
}

fn write_sums(tile: Tile, row: u32, column: u32, sums: vec4<f32>) {
  let columns = params.kernel_height * params.kernel_width * params.channels;
  let out_channel = tile.row + row;
  if (out_channel < params.out_channels && tile.column + column < columns) {
    partials[((tile.slice * params.out_channels + out_channel) * columns + tile.column + column) / 4u] = sums;
  }
}
