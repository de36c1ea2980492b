// Weight gradient of a 2-D convolution in tiles of f32: see lib/gemm/conv2d_weight.wgsl.
alias Value = vec4<f32>;
// #include "lib/gemm/conv2d_weight.wgsl"
