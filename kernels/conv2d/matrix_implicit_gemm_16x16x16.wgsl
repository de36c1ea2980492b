// Convolution, forward and input gradient, on matrix units of 16 × 16 × 16 (M × N × K), operands in f16: see
// lib/matrix/conv2d_implicit_gemm.wgsl.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

const M = 16u;
const N = 16u;
const K = 16u;
// #include "lib/matrix/f16.wgsl"
// #include "lib/matrix/units.wgsl"
// #include "lib/matrix/product.wgsl"
// #include "lib/matrix/conv2d_implicit_gemm.wgsl"
