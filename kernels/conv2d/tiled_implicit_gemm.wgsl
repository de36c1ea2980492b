// 2-D convolution and its input gradient in tiles of f32: see lib/gemm/conv2d_implicit_gemm.wgsl.
alias Value = vec4<f32>;
// #include "lib/gemm/conv2d_implicit_gemm.wgsl"
