// Gradients of functions of one tensor of f32: see lib/elementwise/unary_backward.wgsl.
alias Stored = f32;
// #include "lib/elementwise/unary_backward.wgsl"
