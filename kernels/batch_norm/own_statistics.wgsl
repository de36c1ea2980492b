// The statistics of one process, x of f32: see lib/batch_norm/own_statistics.wgsl.
alias Stored = f32;
// #include "lib/batch_norm/own_statistics.wgsl"
