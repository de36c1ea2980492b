// Weights for the input gradient of f16: see lib/conv2d/transpose_weight.wgsl.
enable f16;
alias Value = vec4<f16>;
alias Element = f16;
// #include "lib/conv2d/transpose_weight.wgsl"
