// 2-D convolution and its input gradient in tiles of f16, sums in f32: see lib/gemm/conv2d_implicit_gemm.wgsl.
enable f16;
alias Value = vec4<f16>;
// #include "lib/gemm/conv2d_implicit_gemm.wgsl"
