// Statistics of parts of rows of f16: see lib/layer_norm/statistics.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/layer_norm/statistics.wgsl"
