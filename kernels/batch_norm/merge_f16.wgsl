// Merges the statistics of x of f16: see lib/batch_norm/merge.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/batch_norm/merge.wgsl"
