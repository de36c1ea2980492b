// The gradient of the rectified linear unit of f16: see lib/relu/backward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/relu/backward.wgsl"
