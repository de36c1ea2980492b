// The sum of two tensors of f32: see lib/add/forward.wgsl.
alias Stored = f32;
// #include "lib/add/forward.wgsl"
