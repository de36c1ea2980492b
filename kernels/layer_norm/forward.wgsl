// Layer normalisation of f32: see lib/layer_norm/forward.wgsl.
alias Stored = f32;
// #include "lib/layer_norm/forward.wgsl"
