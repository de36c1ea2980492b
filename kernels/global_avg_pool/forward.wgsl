// The mean over maps of f32: see lib/global_avg_pool/forward.wgsl.
alias Stored = f32;
// #include "lib/global_avg_pool/forward.wgsl"
