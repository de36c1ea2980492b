// Similarities of two rows of `packed` (see nt_xent/pack.wgsl) with eight others: s = packed[row] · packed[column] / temperature.
// The columns are the same for all lanes of a workgroup, so that their loads are broadcasts.
struct Similarities { first: vec4<f32>, first_next: vec4<f32>, second: vec4<f32>, second_next: vec4<f32> }

// Four columns of one quad of dimensions: v * m is the dot products of v with each, m * v the columns' sum weighted by v.
fn four_columns(quad: u32, column: u32) -> mat4x4<f32> {
  let at = quad * params.stride + column;
  return mat4x4<f32>(packed[at], packed[at + 1u], packed[at + 2u], packed[at + 3u]);
}

fn similarities(row: vec2<u32>, column: u32) -> Similarities {
  var s = Similarities();
  for (var quad = 0u; quad < params.quads; quad++) {
    let x = packed[quad * params.stride + row.x];
    let y = packed[quad * params.stride + row.y];
    let columns = four_columns(quad, column);
    let next = four_columns(quad, column + 4u);
    s.first += x * columns;
    s.first_next += x * next;
    s.second += y * columns;
    s.second_next += y * next;
  }
  s.first /= params.temperature;
  s.first_next /= params.temperature;
  s.second /= params.temperature;
  s.second_next /= params.temperature;
  return s;
}
