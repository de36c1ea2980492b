// The gradient of the mean over maps of f16: see lib/global_avg_pool/backward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/global_avg_pool/backward.wgsl"
