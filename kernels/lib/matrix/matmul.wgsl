// c[slice] = the terms of one slice of A · B: f16 factors, f32 sums, on matrix units (lib/matrix/product.wgsl).
//
//   a [rows, depth], or [depth, rows] (LEFT_ACROSS);  b [columns, depth], or [depth, columns] (RIGHT_ACROSS)
//   c [slices, rows, columns]                         `sum` adds the slices up; with one slice c is the product itself
//   The last dimensions of a and b are multiples of 4; nothing else is assumed.
//   bias [columns] is added to the first slice, if add_bias is 1.
//
// Grid: grid1d(slices · ceil(rows / ROWS) · ceil(columns / COLUMNS), 1); depth_of_slice is a multiple of BLOCK_K.

// #include "lib/grid.wgsl"

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  depth_of_slice: u32,
  add_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> b: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

struct Tile {
  exists: bool,
  steps: u32,
  row: u32,
  column: u32,
  slice: u32,
}

fn tile_of(group: vec3<u32>, groups: vec3<u32>) -> Tile {
  let number = flat_index(group, groups, 0u, 1u);
  let across = (params.columns + COLUMNS - 1u) / COLUMNS;
  let down = (params.rows + ROWS - 1u) / ROWS;
  let slice = number / (across * down);
  let start = slice * params.depth_of_slice;
  let depth = min(params.depth_of_slice, params.depth - min(start, params.depth));
  let row = number / across % down * ROWS;
  return Tile(start < params.depth, (depth + BLOCK_K - 1u) / BLOCK_K, row, number % across * COLUMNS, slice);
}

// Which factor has zeros where there is none: with it, the other may have anything there.
const LEFT_CHECKED = true;
const RIGHT_CHECKED = false;

fn prepare(tile: Tile, thread: u32) {
}

fn prepare_step(tile: Tile, thread: u32, step: u32) {
}

// The first k of the block.
struct Cursor {
  k: u32,
}

fn first_cursor(tile: Tile, thread: u32) -> Cursor {
  return Cursor(tile.slice * params.depth_of_slice);
}

fn advance(tile: Tile, cursor: Cursor) -> Cursor {
  return Cursor(cursor.k + BLOCK_K);
}

// Four components at (y, x) of a matrix of height × width, or of its last row or column of fours: rows and columns of the product that
// do not exist are not written, and terms that do not exist are zeros in the left factor, whatever the right one has there.
fn place(y: u32, x: u32, height: u32, width: u32) -> u32 {
  return (min(y, height - 1u) * width + min(x, width - 4u)) / 4u;
}

fn left_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let y = select(tile.row + line, cursor.k + line, LEFT_ACROSS);
  let x = select(cursor.k + word * 4u, tile.row + word * 4u, LEFT_ACROSS);
  let height = select(params.rows, params.depth, LEFT_ACROSS);
  let width = select(params.depth, params.rows, LEFT_ACROSS);
  return Fetched(a[place(y, x, height, width)], select(x, y, LEFT_ACROSS) < params.depth);
}

fn right_at(tile: Tile, cursor: Cursor, line: u32, word: u32) -> Fetched {
  let y = select(tile.column + line, cursor.k + line, RIGHT_ACROSS);
  let x = select(cursor.k + word * 4u, tile.column + word * 4u, RIGHT_ACROSS);
  let height = select(params.columns, params.depth, RIGHT_ACROSS);
  let width = select(params.depth, params.columns, RIGHT_ACROSS);
  return Fetched(b[place(y, x, height, width)], true);
}

fn write_sums(tile: Tile, row: u32, column: u32, sums: vec4<f32>) {
  let y = tile.row + row;
  if (y >= params.rows) {
    return;
  }
  for (var i = 0u; i < 4u; i++) {
    let x = tile.column + column + i;
    if (x < params.columns) {
      let offset = select(0.0, bias[x], params.add_bias == 1u && tile.slice == 0u);
      c[(tile.slice * params.rows + y) * params.columns + x] = sums[i] + offset;
    }
  }
}
