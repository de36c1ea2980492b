// Softmax and its logarithm of f16: see lib/softmax/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/softmax/forward.wgsl"
