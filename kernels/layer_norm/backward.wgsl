// The gradient of layer normalisation of f32: see lib/layer_norm/backward.wgsl.
alias Stored = f32;
// #include "lib/layer_norm/backward.wgsl"
