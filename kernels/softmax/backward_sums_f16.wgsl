// Sums of parts of rows for the gradient of softmax of f16: see lib/softmax/backward_sums.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/softmax/backward_sums.wgsl"
