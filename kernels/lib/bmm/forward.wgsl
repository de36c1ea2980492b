// c[n, i, j] = Σ_k A[n, i, k] B[n, k, j]. In memory a is [batch, rows, depth] ("deep": it runs along the sum) or
// transposed [batch, depth, rows], b is [batch, columns, depth] (deep) or [batch, depth, columns], c is [batch, rows,
// columns] of `Stored`, f32 or f16; sums are f32. The entry file gives `a_quad` and `b_quad`: four neighbours in
// memory.
//
// One invocation: 4 × 4 of c, in registers, four terms of the sum at a time, without workgroup memory or barriers;
// blocks of a row of blocks are neighbours, so that lanes share their loads of a. Rows and columns past the end are the
// last ones again, and not stored.
// #include "lib/grid.wgsl"

override a_deep: bool = true;
override b_deep: bool = false;

struct Params { batch: u32, rows: u32, columns: u32, depth: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Value>;
@group(0) @binding(2) var<storage, read> b: array<Value>;
@group(0) @binding(3) var<storage, read_write> c: array<Stored>;

const next = vec4<u32>(0u, 1u, 2u, 3u);

// Rows row … row + 3 of A by terms k … k + 3: a column a term.
fn a_block(matrix: u32, row: u32, k: u32) -> mat4x4<f32> {
  let deep = a_deep;
  let pitch = select(params.rows, params.depth, deep);
  let last = select(params.depth, params.rows, deep) - 1u;
  let lines = matrix + min(select(k, row, deep) + next, vec4(last)) * pitch;
  let along = select(row, k, deep);
  let block = mat4x4<f32>(
    a_quad(lines.x, along, pitch), a_quad(lines.y, along, pitch),
    a_quad(lines.z, along, pitch), a_quad(lines.w, along, pitch),
  );
  if (deep) { return transpose(block); }
  return block;
}

// Terms k … k + 3 of columns column … column + 3 of B: a column a column.
fn b_block(matrix: u32, column: u32, k: u32) -> mat4x4<f32> {
  let deep = b_deep;
  let pitch = select(params.columns, params.depth, deep);
  let last = select(params.depth, params.columns, deep) - 1u;
  let lines = matrix + min(select(k, column, deep) + next, vec4(last)) * pitch;
  let along = select(column, k, deep);
  let block = mat4x4<f32>(
    b_quad(lines.x, along, pitch), b_quad(lines.y, along, pitch),
    b_quad(lines.z, along, pitch), b_quad(lines.w, along, pitch),
  );
  if (deep) { return block; }
  return transpose(block);
}

fn store_row(start: u32, row: u32, column: u32, sums: vec4<f32>) {
  if (row >= params.rows) { return; }
  let at = start + row * params.columns + column;
  let count = params.columns - column;
  c[at] = Stored(sums.x);
  if (count > 1u) { c[at + 1u] = Stored(sums.y); }
  if (count > 2u) { c[at + 2u] = Stored(sums.z); }
  if (count > 3u) { c[at + 3u] = Stored(sums.w); }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let across = (params.columns + 3u) / 4u;
  let down = (params.rows + 3u) / 4u;
  let n = i / (across * down);
  if (n >= params.batch) { return; }
  let row = i / across % down * 4u;
  let column = i % across * 4u;
  let a_matrix = n * params.rows * params.depth;
  let b_matrix = n * params.columns * params.depth;
  var sums = mat4x4<f32>();
  let whole = params.depth / 4u * 4u;
  for (var k = 0u; k < whole; k += 4u) { sums += a_block(a_matrix, row, k) * b_block(b_matrix, column, k); }
  if (whole < params.depth) {
    // Terms past the end count as zeros in A and are finite in B: they are the last one again.
    let left = a_block(a_matrix, row, whole);
    let rest = params.depth - whole;
    let exists = mat4x4<f32>(
      left[0], select(vec4<f32>(), left[1], rest > 1u), select(vec4<f32>(), left[2], rest > 2u), vec4<f32>(),
    );
    sums += exists * b_block(b_matrix, column, whole);
  }
  let of_rows = transpose(sums);
  let start = n * params.rows * params.columns;
  store_row(start, row, column, of_rows[0]);
  store_row(start, row + 1u, column, of_rows[1]);
  store_row(start, row + 2u, column, of_rows[2]);
  store_row(start, row + 3u, column, of_rows[3]);
}
