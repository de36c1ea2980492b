// Weight gradient of a 2-D convolution, in subgroups of 8, of f32: see lib/conv2d/backward_weight_octet.wgsl.
enable subgroups;
// Branches depend on subgroupAny only, which agrees over the subgroup; the analysis works on whole workgroups.
diagnostic(off, subgroup_uniformity);
alias Value = vec4<f32>;
// #include "lib/conv2d/backward_weight_octet.wgsl"
