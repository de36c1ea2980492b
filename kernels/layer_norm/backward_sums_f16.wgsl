// Sums of parts of rows for the gradient of layer normalisation of f16: see lib/layer_norm/backward_sums.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/layer_norm/backward_sums.wgsl"
