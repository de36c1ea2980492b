// How the tiled matmul loads and stores where all rows are whole vec4s.
// #include "lib/gemm/matmul.wgsl"
alias Sum = vec4<f32>;

fn load_a(at: u32, count: u32) -> vec4<f32> { return vec4<f32>(a[at / 4u]); }
fn load_b(at: u32, count: u32) -> vec4<f32> { return vec4<f32>(b[at / 4u]); }
fn store(at: u32, count: u32, values: vec4<f32>) { c[at / 4u] = values; }
