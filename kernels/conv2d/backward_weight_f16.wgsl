// Weight gradient of a 2-D convolution of f16: see lib/conv2d/backward_weight.wgsl.
enable f16;
alias Value = vec4<f16>;
// #include "lib/conv2d/backward_weight.wgsl"
