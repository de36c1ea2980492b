// LARS on weights of f32: see lib/lars/update.wgsl.
// #include "lib/optimizer/plain.wgsl"
// #include "lib/lars/update.wgsl"
