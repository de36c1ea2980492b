// Sums of parts of rows for the gradient of softmax of f32: see lib/softmax/backward_sums.wgsl.
alias Stored = f32;
// #include "lib/softmax/backward_sums.wgsl"
