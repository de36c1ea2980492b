// The gradient of softmax and of its logarithm of f16: see lib/softmax/backward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/softmax/backward.wgsl"
