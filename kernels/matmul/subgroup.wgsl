// Matrix product with subgroups, of f32: see lib/matmul/subgroup.wgsl.
enable subgroups;
alias Value = vec4<f32>;
// #include "lib/matmul/subgroup.wgsl"
