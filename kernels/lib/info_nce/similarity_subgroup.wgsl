// Similarities of 4 rows, a thread's own, with 16 columns, which the threads of a quad have in common and load together (lib/quads.wgsl).
// Each is a vector of `packed_rows` or `packed_columns` (see info_nce/pack.wgsl): s = row · column / temperature.
//
// Thread: 4 rows, neighbours. Workgroup: 16 threads in a row, 64 rows × one slice of `slice` columns (a multiple of 16). Strides are
// multiples of 64: rows and columns past the end are others or zeros, so that no load or store stands behind a condition, which costs
// software rasterisers more than the work it saves.
// #include "lib/quads.wgsl"

// Each matrix has a column of the similarities in each of its columns, with the thread's 4 rows.
struct Similarities { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32> }

// One quad of dimensions of 4 columns; rank: which thread of the quad this is.
fn four_columns(quad: u32, column: u32, rank: u32) -> mat4x4<f32> {
  return of_quad(packed_columns[quad * params.column_stride + column + rank]);
}

fn similarities(row: u32, column: u32, rank: u32, temperature: f32) -> Similarities {
  var s = Similarities();
  for (var quad = 0u; quad < params.quads; quad++) {
    let at = quad * params.row_stride + row;
    let own = transpose(mat4x4<f32>(packed_rows[at], packed_rows[at + 1u], packed_rows[at + 2u], packed_rows[at + 3u]));
    s.a = add_products(s.a, own, four_columns(quad, column, rank));
    s.b = add_products(s.b, own, four_columns(quad, column + 4u, rank));
    s.c = add_products(s.c, own, four_columns(quad, column + 8u, rank));
    s.d = add_products(s.d, own, four_columns(quad, column + 12u, rank));
  }
  let scale = 1.0 / temperature;
  return Similarities(s.a * scale, s.b * scale, s.c * scale, s.d * scale);
}
