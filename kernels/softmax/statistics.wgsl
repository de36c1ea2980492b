// Statistics of parts of rows of f32: see lib/softmax/statistics.wgsl.
alias Stored = f32;
// #include "lib/softmax/statistics.wgsl"
