// Sums of parts of rows for the gradient of layer normalisation of f32: see lib/layer_norm/backward_sums.wgsl.
alias Stored = f32;
// #include "lib/layer_norm/backward_sums.wgsl"
