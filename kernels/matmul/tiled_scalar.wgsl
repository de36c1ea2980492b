// Matrix product in tiles of f32 for any sizes, element by element: see lib/gemm/matmul.wgsl.
alias Stored = f32;
alias Value = vec4<f32>;
alias Sum = f32;
// #include "lib/gemm/matmul.wgsl"

// Elements that do not exist repeat the last one that does.
fn four(at: u32, count: u32) -> vec4<u32> {
  return at + min(vec4(0u, 1u, 2u, 3u), vec4(count - 1u));
}

fn load_a(at: u32, count: u32) -> Value {
  let i = four(at, count);
  return vec4(a[i.x], a[i.y], a[i.z], a[i.w]);
}

fn load_b(at: u32, count: u32) -> Value {
  let i = four(at, count);
  return vec4(b[i.x], b[i.y], b[i.z], b[i.w]);
}

fn existing(rows: mat4x4<f32>, count: u32) -> mat4x4<f32> {
  let exists = vec4(0u, 1u, 2u, 3u) < vec4(count);
  return mat4x4<f32>(
    select(vec4<f32>(), rows[0], exists),
    select(vec4<f32>(), rows[1], exists),
    select(vec4<f32>(), rows[2], exists),
    select(vec4<f32>(), rows[3], exists),
  );
}

fn store(at: u32, count: u32, values: vec4<f32>) {
  c[at] = values.x;
  if (count > 1u) { c[at + 1u] = values.y; }
  if (count > 2u) { c[at + 2u] = values.z; }
  if (count > 3u) { c[at + 3u] = values.w; }
}
