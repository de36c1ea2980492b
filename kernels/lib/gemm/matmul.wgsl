// c[i, j] = Σ_k A[i, k] · B[k, j] + bias[j] in tiles; A is a [rows, depth] or the transpose of a [depth, rows], B likewise.
// The sum may be cut into slices of `slice` terms, a multiple of tile_depth; slice s is then written to c + s·rows·columns, and
// `sum` adds the slices up.
//
// A matrix is deep where its memory runs along the sum. A thread loads 4 neighbouring elements of 4 of its rows, and turns the block
// around where it is deep. Whoever includes this says what is loaded at once: `Stored` is a vec4, then all three matrices have rows
// of whole vec4s, or a single f32, for any sizes. load_a and load_b give 4 elements, of which the first `count` exist, as a `Value`;
// `existing` puts the others to zero; `store` writes those that exist.
//
// Grid: tiles = ceil(columns / tile_columns) · ceil(rows / tile_rows) · slices, folded into two dimensions (lib/grid.wgsl).
// #include "lib/gemm/tile.wgsl"
// #include "lib/gemm/loaded.wgsl"
// #include "lib/grid.wgsl"

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  slice: u32,
  a_pitch: u32,  // elements from a row of a to the next
  a_deep: u32,   // 0 or 1
  b_pitch: u32,
  b_deep: u32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Stored>;
@group(0) @binding(2) var<storage, read> b: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<Sum>;

// A thread's block as it lies in memory: rows or columns `first`…, terms `term`… before `end`.
struct Place {
  deep: bool,
  pitch: u32,
  row: u32,
  end_row: u32,
  column: u32,
  end_column: u32,
}

fn place_of(block: Block, first: u32, term: u32, end: u32) -> Place {
  let size = select(params.rows, params.columns, block.of_right);
  let deep = select(params.a_deep, params.b_deep, block.of_right) != 0u;
  return Place(
    deep,
    select(params.a_pitch, params.b_pitch, block.of_right),
    select(term, first, deep),
    select(end, size, deep),
    select(first, term, deep),
    select(size, end, deep),
  );
}

// Loads stand behind no condition but which matrix it is: a driver that has to merge a loaded value with another waits for it here,
// before the products that are to hide its way.
fn load(block: Block, place: Place) -> Loaded {
  let rows = place.row + vec4(0u, 1u, 2u, 3u);
  let inside = (rows < vec4(place.end_row)) & vec4(block.exists && place.column < place.end_column);
  let at = select(vec4<u32>(), rows * place.pitch + place.column, inside);
  let count = place.end_column - place.column;
  var loaded: Loaded;
  if (block.of_right) {
    loaded = Loaded(load_b(at.x, count), load_b(at.y, count), load_b(at.z, count), load_b(at.w, count), inside);
  } else {
    loaded = Loaded(load_a(at.x, count), load_a(at.y, count), load_a(at.z, count), load_a(at.w, count), inside);
  }
  return loaded;
}

fn put(block: Block, stage: u32, loaded: Loaded, place: Place) {
  var rows = existing(matrix_of(loaded), place.end_column - place.column);
  if (place.deep) { rows = transpose(rows); }
  put_terms(block, stage, rows);
}

fn bias_at(column: u32) -> f32 {
  return bias[min(column, params.columns - 1u)];
}

fn write_quad(row: u32, column: u32, slice: u32, sums: vec4<f32>) {
  if (column >= params.columns) { return; }
  var values = sums;
  if (params.has_bias != 0u && slice == 0u) {
    values += vec4(bias_at(column), bias_at(column + 1u), bias_at(column + 2u), bias_at(column + 3u));
  }
  store((slice * params.rows + row) * params.columns + column, params.columns - column, values);
}

fn write_row(row: u32, column: u32, slice: u32, low: vec4<f32>, high: vec4<f32>) {
  if (row >= params.rows) { return; }
  write_quad(row, column, slice, low);
  write_quad(row, column + tile_columns / 2u, slice, high);
}

@compute @workgroup_size(threads)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let number = flat_index(group, groups, 0u, 1u);
  let across = (params.columns + tile_columns - 1u) / tile_columns;
  let down = (params.rows + tile_rows - 1u) / tile_rows;
  let slice = number / (across * down);
  let first_row = number / across % down * tile_rows;
  let first_column = number % across * tile_columns;
  let begin = slice * params.slice;
  if (begin >= params.depth) { return; }
  let end = min(begin + params.slice, params.depth);
  let steps = (end - begin + tile_depth - 1u) / tile_depth;

  let block = block_of(thread, params.a_deep != 0u, params.b_deep != 0u);
  let first = select(first_row, first_column, block.of_right) + block.quad * 4u;
  let corner = corner_of(thread);
  var sums: Sums;
  for (var i = 0u; i <= steps; i++) {
    let place = place_of(block, first, begin + i * tile_depth + block.depth_quad * 4u, end);
    let next = load(block, place);
    if (i > 0u) { add_stage(&sums, (i - 1u) & 1u, corner); }
    if (i < steps) { put(block, i & 1u, next, place); }
    workgroupBarrier();
  }

  let row = first_row + corner.row_quad * 4u;
  let column = first_column + corner.column_quad * 4u;
  write_row(row, column, slice, sums[0], sums[1]);
  write_row(row + 1u, column, slice, sums[2], sums[3]);
  write_row(row + 2u, column, slice, sums[4], sums[5]);
  write_row(row + 3u, column, slice, sums[6], sums[7]);
  let lower = row + tile_rows / 2u;
  write_row(lower, column, slice, sums[8], sums[9]);
  write_row(lower + 1u, column, slice, sums[10], sums[11]);
  write_row(lower + 2u, column, slice, sums[12], sums[13]);
  write_row(lower + 3u, column, slice, sums[14], sums[15]);
}
