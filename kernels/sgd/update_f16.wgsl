// SGD on weights of f32 with copies of f16, from scaled gradients: see lib/sgd/update.wgsl.
enable f16;
// #include "lib/optimizer/half.wgsl"
// #include "lib/sgd/update.wgsl"
