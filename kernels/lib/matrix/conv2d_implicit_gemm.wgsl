// 2-D convolution, forward and input gradient, as an implicit matrix product on matrix units (lib/matrix/product.wgsl).
//
//   forward          y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c]
//   input gradient   the same sum over x := dy with w := the weights transposed to [I,kh,kw,O], y := dx:
//                    dx[n,iy,ix,i] = Σ_{ky,kx,o} dy[n, (iy + padding − ky)/stride, (ix + padding − kx)/stride, o] · w[i,ky,kx,o]
//                    over the taps for which both divisions are exact and inside dy.
//
//   x [batch, height, width, channels], w [out_channels, kernel_height, kernel_width, channels],
//   y [batch, out_height, out_width, out_channels], all f16; sums are f32.
//   channels and out_channels are multiples of 4; nothing else is assumed.
//
// Left: a row is a pixel of y, in memory order, a column a tap and channel (taps in order, channels fastest). Right: w as it lies.
// Eight threads load 64 bytes of one pixel or row of weights: whole sectors. Input gradient: pixels whose (iy mod stride, ix mod
// stride) agree use the same taps, so each of the stride² classes is a product of its own over every stride-th tap: nothing is
// multiplied by a zero that stride puts between the elements of dy. Classes without taps write zeros.
//
// Grid: classes = input_gradient ? stride² : 1, rows of a class = batch · ceil(out_height / pitch) · ceil(out_width / pitch), pitch = input_gradient ?
//       stride : 1; tiles = classes · ceil(rows / ROWS); dispatch(ceil(out_channels / COLUMNS), grid1d(tiles, 1))

// #include "lib/matrix/source.wgsl"
// #include "lib/conv2d/implicit_gemm_params.wgsl"

@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> w: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<u32>>;

var<workgroup> pixels: array<vec4<i32>, ROWS>;

// How one spatial axis of the pixels maps to source coordinates and taps: the pixel with number j is written at first + pitch·j and
// reads, for t < taps, source origin + scale·j + direction·t with tap first_tap + pitch·t.
struct Axis {
  first: u32,
  pitch: u32,
  scale: i32,
  origin: i32,
  first_tap: u32,
  taps: u32,
}

struct Tile {
  exists: bool,
  steps: u32,
  row: u32,
  column: u32,
  vertical: Axis,
  horizontal: Axis,
  step: Cursor,  // a block of the depth
}

fn axis_of(residue: u32, kernel: u32) -> Axis {
  if (params.input_gradient == 0u) {
    return Axis(0u, 1u, i32(params.stride), -i32(params.padding), 0u, kernel);
  }
  let remainder = (residue + params.padding) % params.stride;
  let taps = select(0u, (kernel - min(remainder, kernel) + params.stride - 1u) / params.stride, remainder < kernel);
  return Axis(residue, params.stride, 1, i32((residue + params.padding) / params.stride), remainder, taps);
}

fn pitch() -> u32 {
  return select(1u, params.stride, params.input_gradient == 1u);
}

fn grid_rows() -> u32 {
  return (params.out_height + pitch() - 1u) / pitch();
}

fn grid_columns() -> u32 {
  return (params.out_width + pitch() - 1u) / pitch();
}

fn tile_of(group: vec3<u32>, groups: vec3<u32>) -> Tile {
  let number = group.z * groups.y + group.y;
  let tiles = (params.batch * grid_rows() * grid_columns() + ROWS - 1u) / ROWS;
  let residues = number / tiles;
  var tile: Tile;
  tile.exists = residues < pitch() * pitch();
  tile.row = number % tiles * ROWS;
  tile.column = group.x * COLUMNS;
  tile.vertical = axis_of(residues / pitch(), params.kernel_height);
  tile.horizontal = axis_of(residues % pitch(), params.kernel_width);
  tile.step = cursor_at(tile, LEFT_LINE);
  tile.steps = (tile.vertical.taps * tile.horizontal.taps * params.channels + BLOCK_K - 1u) / BLOCK_K;
  return tile;
}

fn pixel_of(tile: Tile, row: u32) -> vec4<i32> {
  let columns = grid_columns();
  let rows = grid_rows();
  let image = row / (rows * columns);
  let j = row % columns;
  let i = row / columns % rows;
  let out_y = tile.vertical.first + tile.vertical.pitch * i;
  let out_x = tile.horizontal.first + tile.horizontal.pitch * j;
  if (image >= params.batch || out_y >= params.out_height || out_x >= params.out_width) {
    return NOWHERE;
  }
  let source_y = tile.vertical.origin + tile.vertical.scale * i32(i);
  let source_x = tile.horizontal.origin + tile.horizontal.scale * i32(j);
  let source = (i32(image * params.height) + source_y) * i32(params.width) + source_x;
  let target_pixel = (image * params.out_height + out_y) * params.out_width + out_x;
  return vec4<i32>(source_y, source_x, source * i32(params.channels / 4u), i32(target_pixel));
}

// Which factor has zeros where there is none: with it, the other may have anything there.
const LEFT_CHECKED = true;
const RIGHT_CHECKED = false;

fn prepare(tile: Tile, thread: u32) {
  for (var row = thread; row < ROWS; row += THREADS) {
    pixels[row] = pixel_of(tile, tile.row + row);
  }
}

fn prepare_step(tile: Tile, thread: u32, step: u32) {
}

// A thread loads the same column of fours of every row (THREADS is a multiple of LEFT_LINE): a tap, counted among those that the
// class has, and a quad of channels.
struct Cursor {
  ty: u32,
  tx: u32,
  quad: u32,
}

// Number `word` of the fours of a row.
fn cursor_at(tile: Tile, word: u32) -> Cursor {
  let quads = params.channels / 4u;
  let tap = word / quads;
  let across = max(tile.horizontal.taps, 1u);
  return Cursor(tap / across, tap % across, word % quads);
}

fn first_cursor(tile: Tile, thread: u32) -> Cursor {
  return cursor_at(tile, thread % LEFT_LINE);
}

// Carried along: a step takes no division.
fn advance(tile: Tile, cursor: Cursor) -> Cursor {
  let quads = params.channels / 4u;
  let by = tile.step;
  let quad = cursor.quad + by.quad;
  let next_tap = quad >= quads;
  let tx = cursor.tx + by.tx + select(0u, 1u, next_tap);
  let next_row = tx >= tile.horizontal.taps;
  return Cursor(
    cursor.ty + by.ty + select(0u, 1u, next_row),
    select(tx, tx - tile.horizontal.taps, next_row),
    select(quad, quad - quads, next_tap),
  );
}

fn left_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let direction = select(1, -1, params.input_gradient == 1u);
  let element = element_at(cursor.ty < tile.vertical.taps, direction * i32(cursor.ty), direction * i32(cursor.tx), cursor.quad);
  let pixel = pixels[line];
  let exists = inside(pixel, element);
  return Fetched(x[u32(select(0, pixel.z + element.shift, exists))], exists);
}

// Out channels that do not exist are not written, and terms that do not exist are zeros in the other factor: only the end counts.
fn right_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let quads = params.channels / 4u;
  let to_row = params.kernel_width * quads;
  let length = params.kernel_height * to_row;
  let first_tap = tile.vertical.first_tap * to_row + tile.horizontal.first_tap * quads;
  let tap = cursor.ty * (tile.vertical.pitch * to_row) + cursor.tx * (tile.horizontal.pitch * quads);
  let at = (tile.column + line) * length + first_tap + tap + cursor.quad;
  return Fetched(w[min(at, params.out_channels * length - 1u)], true);
}

fn write_sums(tile: Tile, row: u32, column: u32, sums: vec4<f32>) {
  let pixel = pixels[row].w;
  let out_channel = tile.column + column;
  if (pixel >= 0 && out_channel < params.out_channels) {
    y[(u32(pixel) * params.out_channels + out_channel) / 4u] = bitcast<vec2<u32>>(vec4<f16>(sums));
  }
}
