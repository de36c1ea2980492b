// Weights for the input gradient of f32: see lib/conv2d/transpose_weight.wgsl.
alias Value = vec4<f32>;
alias Element = f32;
// #include "lib/conv2d/transpose_weight.wgsl"
