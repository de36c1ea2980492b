// The rectified linear unit of f16: see lib/relu/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/relu/forward.wgsl"
