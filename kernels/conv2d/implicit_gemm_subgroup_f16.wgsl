// 2-D convolution and its input gradient, with subgroups, of f16: see lib/conv2d/implicit_gemm_subgroup.wgsl.
enable f16;
enable subgroups;
// Branches depend on subgroupAny only, which agrees over the subgroup; the analysis works on whole workgroups.
diagnostic(off, subgroup_uniformity);
alias Value = vec4<f16>;
alias Element = f16;
// #include "lib/conv2d/implicit_gemm_subgroup.wgsl"
