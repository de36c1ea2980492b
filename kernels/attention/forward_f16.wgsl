// Attention of f16: see lib/attention/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/attention/forward.wgsl"
