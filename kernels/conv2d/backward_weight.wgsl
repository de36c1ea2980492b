// Weight gradient of a 2-D convolution of f32: see lib/conv2d/backward_weight.wgsl.
alias Value = vec4<f32>;
// #include "lib/conv2d/backward_weight.wgsl"
