// Statistics of parts of rows of f32: see lib/layer_norm/statistics.wgsl.
alias Stored = f32;
// #include "lib/layer_norm/statistics.wgsl"
