// SGD on weights of f32: see lib/sgd/update.wgsl.
// #include "lib/optimizer/plain.wgsl"
// #include "lib/sgd/update.wgsl"
