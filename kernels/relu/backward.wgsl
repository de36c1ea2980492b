// The gradient of the rectified linear unit of f32: see lib/relu/backward.wgsl.
alias Stored = f32;
// #include "lib/relu/backward.wgsl"
