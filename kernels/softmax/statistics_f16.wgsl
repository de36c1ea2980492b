// Statistics of parts of rows of f16: see lib/softmax/statistics.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/softmax/statistics.wgsl"
