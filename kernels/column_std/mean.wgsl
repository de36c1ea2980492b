// result[0] = mean over the columns of √(Σ d² / rows − (Σ d / rows)²), with the sums of partial [parts, columns] added up.
// One workgroup of 64 invocations does all; one invocation: every 64th column.
// #include "lib/sum64.wgsl"

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var total = 0.0;
  for (var column = local; column < params.columns; column += 64u) {
    var sums = vec2<f32>();
    for (var part = 0u; part < params.parts; part++) { sums += partial[part * params.columns + column]; }
    let means = sums / f32(params.rows);
    total += sqrt(max(means.y - means.x * means.x, 0.0));
  }
  let sum = sum64(vec2(total, 0.0), local).x;
  if (local == 0u) { result[0] = sum / f32(params.columns); }
}
