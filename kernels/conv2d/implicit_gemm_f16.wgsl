// 2-D convolution and its input gradient of f16: see lib/conv2d/implicit_gemm_portable.wgsl.
enable f16;
alias Value = vec4<f16>;
alias Element = f16;
// #include "lib/conv2d/implicit_gemm_portable.wgsl"
