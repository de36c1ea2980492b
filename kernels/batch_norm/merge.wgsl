// Merges the statistics of x of f32: see lib/batch_norm/merge.wgsl.
alias Stored = f32;
// #include "lib/batch_norm/merge.wgsl"
