// Matrix product of f32 without workgroup memory: see lib/matmul/forward.wgsl.
alias Element = f32;
// #include "lib/matmul/forward.wgsl"
