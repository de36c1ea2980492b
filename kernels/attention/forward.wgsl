// Attention of f32: see lib/attention/forward.wgsl.
alias Stored = f32;
// #include "lib/attention/forward.wgsl"
