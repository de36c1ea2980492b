// Copy of a matrix into one of another size, of f32: see lib/conv2d/repack.wgsl.
alias Element = f32;
// #include "lib/conv2d/repack.wgsl"
