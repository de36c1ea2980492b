// How the tiled matmul loads and stores where all rows are whole vec4s.
// #include "lib/gemm/matmul.wgsl"
alias Value = Stored;
alias Sum = vec4<f32>;

fn load_a(at: u32, count: u32) -> Value { return a[at / 4u]; }
fn load_b(at: u32, count: u32) -> Value { return b[at / 4u]; }
fn existing(rows: mat4x4<f32>, count: u32) -> mat4x4<f32> { return rows; }
fn store(at: u32, count: u32, values: vec4<f32>) { c[at / 4u] = values; }
