// Gradients of scale and shift, x of f16: see lib/layer_norm/backward_affine.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/layer_norm/backward_affine.wgsl"
