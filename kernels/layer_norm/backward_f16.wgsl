// The gradient of layer normalisation of f16: see lib/layer_norm/backward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/layer_norm/backward.wgsl"
