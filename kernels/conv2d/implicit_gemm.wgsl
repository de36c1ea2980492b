// 2-D convolution and its input gradient of f32: see lib/conv2d/implicit_gemm_portable.wgsl.
alias Value = vec4<f32>;
alias Element = f32;
// #include "lib/conv2d/implicit_gemm_portable.wgsl"
