// Attention of f16: see lib/attention/backward_keys.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/attention/backward_keys.wgsl"
