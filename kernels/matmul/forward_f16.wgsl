// Matrix product of f16, sums and result in f32, without workgroup memory: see lib/matmul/forward.wgsl.
enable f16;
alias Element = f16;
// #include "lib/matmul/forward.wgsl"
