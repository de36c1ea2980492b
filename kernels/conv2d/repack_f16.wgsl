// Copy of a matrix into one of another size, of f16: see lib/conv2d/repack.wgsl.
enable f16;
alias Element = f16;
// #include "lib/conv2d/repack.wgsl"
