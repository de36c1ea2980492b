// Softmax and its logarithm of f32: see lib/softmax/forward.wgsl.
alias Stored = f32;
// #include "lib/softmax/forward.wgsl"
