// Functions of one tensor of f32: see lib/elementwise/unary.wgsl.
alias Stored = f32;
// #include "lib/elementwise/unary.wgsl"
