// Gradients of scale and shift, x of f32: see lib/layer_norm/backward_affine.wgsl.
alias Stored = f32;
// #include "lib/layer_norm/backward_affine.wgsl"
