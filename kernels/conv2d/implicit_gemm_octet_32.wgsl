// 2-D convolution and its input gradient in subgroups of 8, 32 pixels each, of f32: see lib/conv2d/implicit_gemm_octet.wgsl.
enable subgroups;
// Branches depend on subgroupAny only, which agrees over the subgroup; the analysis works on whole workgroups.
diagnostic(off, subgroup_uniformity);
alias Value = vec4<f32>;
alias Element = f32;
const BLOCKS = 4u;
// #include "lib/conv2d/implicit_gemm_octet.wgsl"
