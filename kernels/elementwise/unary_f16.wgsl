// Functions of one tensor of f16: see lib/elementwise/unary.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/elementwise/unary.wgsl"
