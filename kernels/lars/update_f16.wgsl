// LARS on weights of f32 with copies of f16, from scaled gradients: see lib/lars/update.wgsl.
enable f16;
// #include "lib/optimizer/half.wgsl"
// #include "lib/lars/update.wgsl"
