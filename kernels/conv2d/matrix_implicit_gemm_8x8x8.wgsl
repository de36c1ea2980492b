// Convolution, forward and input gradient, on matrix units of 8 × 8 × 8 (M × N × K), operands in f32: see
// lib/matrix/conv2d_implicit_gemm.wgsl.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

const M = 8u;
const N = 8u;
const K = 8u;
// #include "lib/matrix/f32.wgsl"
// #include "lib/matrix/units.wgsl"
// #include "lib/matrix/product.wgsl"
// #include "lib/matrix/conv2d_implicit_gemm.wgsl"
