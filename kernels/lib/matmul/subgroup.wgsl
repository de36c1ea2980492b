// c[i, j] = Σ_k left(i, k) · right(k, j) + bias, for matrices in any order, with subgroups. In memory a matrix is [rows, pitch]: its
// rows run along the sum ("deep": one row for each i or j) or across it (one row for each k); pitches are in vec4s. Element (i, j) of
// c lies at i·c_row + j·c_column. The sum may be cut into slices of `slice` terms, a multiple of 4; slice s is then written to
// c + s·rows·columns, and `sum` adds the slices up. The bias runs along the columns (1) or the rows (2), or there is none (0).
// left and right are of `Value`, four f32 or f16; sums and c are f32.
//
// Thread: 16 rows × 4 columns of one slice. The quad shares the rows (lib/quads.wgsl). Workgroup: 16 threads in a row, 16 rows × 64
// columns, without workgroup memory or barriers.
//
// No load or store stands behind a condition, which costs software rasterisers more than the work it saves: rows and columns past the
// end are the last ones again, computed alike and stored to the same place; terms past the end are multiplied by zero.
// #include "lib/grid.wgsl"
// #include "lib/quads.wgsl"

override left_deep: bool = true;
override right_deep: bool = true;

struct Params {
  rows: u32, columns: u32, depth: u32, slice: u32, slices: u32,
  left_pitch: u32, right_pitch: u32, c_row: u32, c_column: u32,
  bias_along: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<Value>;
@group(0) @binding(2) var<storage, read> right: array<Value>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

const TILE_ROWS = 16u;
const TILE_COLUMNS = 64u;
const next = vec4<u32>(0u, 1u, 2u, 3u);

// Four neighbours, of which those past the end are the last: one by one if memory runs along the sum, else as a vec4 of memory.
fn four(first: u32, end: u32, deep: bool) -> vec4<u32> {
  return select(min(first, end - 4u) + next, min(first + next, vec4(end - 1u)), deep);
}

// 4 terms (columns of the result) of 4 rows: one row or one term comes from each thread of the quad.
fn left_block(at: u32, exists: bool) -> mat4x4<f32> {
  let quad = of_quad(select(vec4<f32>(), vec4<f32>(left[at]), exists));
  if (left_deep) { return transpose(quad); }
  return quad;
}

// 4 terms of each of 4 columns.
fn right_block(at: vec4<u32>) -> mat4x4<f32> {
  let block = mat4x4<f32>(
    vec4<f32>(right[at.x]), vec4<f32>(right[at.y]), vec4<f32>(right[at.z]), vec4<f32>(right[at.w]),
  );
  if (right_deep) { return block; }
  return transpose(block);
}

// What the bias adds at each of four rows or columns: zeros if it does not run along them.
fn bias_of(at: vec4<u32>, used: bool) -> vec4<f32> {
  let place = select(vec4<u32>(), at, used);
  return select(vec4<f32>(), vec4(bias[place.x], bias[place.y], bias[place.z], bias[place.w]), used);
}

fn store_column(at: vec4<u32>, sums: vec4<f32>) {
  c[at.x] = sums.x;
  c[at.y] = sums.y;
  c[at.z] = sums.z;
  c[at.w] = sums.w;
}

fn store(slice: u32, rows: vec4<u32>, columns: vec4<u32>, sums: mat4x4<f32>) {
  let along_columns = bias_of(columns, params.bias_along == 1u && slice == 0u);
  let along_rows = bias_of(rows, params.bias_along == 2u && slice == 0u);
  let at = slice * params.rows * params.columns + rows * params.c_row;
  store_column(at + columns.x * params.c_column, sums[0] + along_rows + along_columns.x);
  store_column(at + columns.y * params.c_column, sums[1] + along_rows + along_columns.y);
  store_column(at + columns.z * params.c_column, sums[2] + along_rows + along_columns.z);
  store_column(at + columns.w * params.c_column, sums[3] + along_rows + along_columns.w);
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_size) subgroup_size: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
  let tiles_across = (params.columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let tiles_down = (params.rows + TILE_ROWS - 1u) / TILE_ROWS;
  let tile = min(flat_index(group, groups, 0u, 1u), tiles_across * tiles_down * params.slices - 1u);
  let slice = tile / (tiles_across * tiles_down);
  let first_row = tile / tiles_across % tiles_down * TILE_ROWS;
  let thread = subgroup * subgroup_size + lane;
  let rank = thread % 4u;
  let columns = four(tile % tiles_across * TILE_COLUMNS + thread * 4u, params.columns, right_deep);

  // In vec4s: where the thread's part of each block of rows begins, and its columns.
  let blocks = first_row + 4u * next;
  let of_rank = min(blocks + rank, vec4(params.rows - 1u)) * params.left_pitch;
  let from_left = select(min(blocks, vec4(params.rows - 4u)) / 4u, of_rank, left_deep);
  let from_right = select(columns / 4u, columns * params.right_pitch, right_deep);

  var sums_a = mat4x4<f32>();
  var sums_b = mat4x4<f32>();
  var sums_c = mat4x4<f32>();
  var sums_d = mat4x4<f32>();
  let end = min((slice + 1u) * params.slice, params.depth);
  for (var k = slice * params.slice; k < end; k += 4u) {
    let last = params.depth - 1u;
    let at = from_left + select(min(k + rank, last) * params.left_pitch, k / 4u, left_deep);
    let block = right_block(from_right + select(min(k + next, vec4(last)) * params.right_pitch, vec4(k / 4u), vec4(right_deep)));
    let exists = left_deep || k + rank < params.depth;
    sums_a = add_products(sums_a, left_block(at.x, exists), block);
    sums_b = add_products(sums_b, left_block(at.y, exists), block);
    sums_c = add_products(sums_c, left_block(at.z, exists), block);
    sums_d = add_products(sums_d, left_block(at.w, exists), block);
  }
  store(slice, four(first_row, params.rows, left_deep), columns, sums_a);
  store(slice, four(first_row + 4u, params.rows, left_deep), columns, sums_b);
  store(slice, four(first_row + 8u, params.rows, left_deep), columns, sums_c);
  store(slice, four(first_row + 12u, params.rows, left_deep), columns, sums_d);
}
