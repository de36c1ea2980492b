// Convolution, forward and input gradient, by the kernel for matrix units, with units emulated: see
// lib/matrix/conv2d_implicit_gemm.wgsl.
enable f16;

override M: u32 = 16;
override N: u32 = 16;
override K: u32 = 16;
// #include "lib/matrix/f16.wgsl"
// #include "lib/matrix/emulated.wgsl"
// #include "lib/matrix/product.wgsl"
// #include "lib/matrix/conv2d_implicit_gemm.wgsl"
