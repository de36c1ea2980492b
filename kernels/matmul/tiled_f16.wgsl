// Matrix product in tiles of f16, sums and result in f32, rows of whole vec4s: see lib/gemm/matmul.wgsl.
enable f16;
alias Stored = vec4<f16>;
// #include "lib/gemm/matmul_quads.wgsl"
