// The gradient of the mean over maps of f32: see lib/global_avg_pool/backward.wgsl.
alias Stored = f32;
// #include "lib/global_avg_pool/backward.wgsl"
