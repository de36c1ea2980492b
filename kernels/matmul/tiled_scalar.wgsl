// Matrix product in tiles of f32 for any sizes, element by element: see lib/gemm/matmul.wgsl.
alias Stored = f32;
alias Sum = f32;
// #include "lib/gemm/matmul.wgsl"

fn load_a(at: u32, count: u32) -> vec4<f32> {
  var quad = vec4(a[at], 0.0, 0.0, 0.0);
  if (count > 1u) { quad.y = a[at + 1u]; }
  if (count > 2u) { quad.z = a[at + 2u]; }
  if (count > 3u) { quad.w = a[at + 3u]; }
  return quad;
}

fn load_b(at: u32, count: u32) -> vec4<f32> {
  var quad = vec4(b[at], 0.0, 0.0, 0.0);
  if (count > 1u) { quad.y = b[at + 1u]; }
  if (count > 2u) { quad.z = b[at + 2u]; }
  if (count > 3u) { quad.w = b[at + 3u]; }
  return quad;
}

fn store(at: u32, count: u32, values: vec4<f32>) {
  c[at] = values.x;
  if (count > 1u) { c[at + 1u] = values.y; }
  if (count > 2u) { c[at + 2u] = values.z; }
  if (count > 3u) { c[at + 3u] = values.w; }
}
