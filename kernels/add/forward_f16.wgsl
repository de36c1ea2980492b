// The sum of two tensors of f16: see lib/add/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/add/forward.wgsl"
