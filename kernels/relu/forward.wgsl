// The rectified linear unit of f32: see lib/relu/forward.wgsl.
alias Stored = f32;
// #include "lib/relu/forward.wgsl"
