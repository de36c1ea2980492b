// Copies of f16: see lib/strided_copy/copy.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/strided_copy/copy.wgsl"
