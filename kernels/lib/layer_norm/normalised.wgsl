// x̂ of an element. The difference from the row's first element comes first: it is exact where values lie close
// together.
fn normalised(row: u32, column: u32) -> f32 {
  let start = row * params.columns;
  return (f32(x[start + column]) - f32(x[start]) - stats[row].x) * stats[row].y;
}
