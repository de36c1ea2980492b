// Matrix product with subgroups, of f16: see lib/matmul/subgroup.wgsl.
enable f16;
enable subgroups;
alias Value = vec4<f16>;
// #include "lib/matmul/subgroup.wgsl"
