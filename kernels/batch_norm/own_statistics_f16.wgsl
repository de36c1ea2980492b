// The statistics of one process, x of f16: see lib/batch_norm/own_statistics.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/batch_norm/own_statistics.wgsl"
