// Similarities of two rows with eight columns, each a vector of `packed_rows` or `packed_columns` (see info_nce/pack.wgsl): s = row ·
// column / temperature. The columns are the same for all lanes of a workgroup, so that their loads are broadcasts.
struct Similarities { first: vec4<f32>, first_next: vec4<f32>, second: vec4<f32>, second_next: vec4<f32> }

// Four columns of one quad of dimensions: v * m is the dot products of v with each, m * v the columns' sum weighted by v.
fn four_columns(quad: u32, column: u32) -> mat4x4<f32> {
  let at = quad * params.column_stride + column;
  return mat4x4<f32>(packed_columns[at], packed_columns[at + 1u], packed_columns[at + 2u], packed_columns[at + 3u]);
}

fn similarities(row: vec2<u32>, column: u32, temperature: f32) -> Similarities {
  var s = Similarities();
  for (var quad = 0u; quad < params.quads; quad++) {
    let x = packed_rows[quad * params.row_stride + row.x];
    let y = packed_rows[quad * params.row_stride + row.y];
    let columns = four_columns(quad, column);
    let next = four_columns(quad, column + 4u);
    s.first += x * columns;
    s.first_next += x * next;
    s.second += y * columns;
    s.second_next += y * next;
  }
  s.first /= temperature;
  s.first_next /= temperature;
  s.second /= temperature;
  s.second_next /= temperature;
  return s;
}
