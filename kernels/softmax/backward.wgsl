// The gradient of softmax and of its logarithm of f32: see lib/softmax/backward.wgsl.
alias Stored = f32;
// #include "lib/softmax/backward.wgsl"
