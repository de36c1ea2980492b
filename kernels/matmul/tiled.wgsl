// Matrix product in tiles of f32, rows of whole vec4s: see lib/gemm/matmul.wgsl.
alias Stored = vec4<f32>;
// #include "lib/gemm/matmul_quads.wgsl"
