// Functions of two tensors, which broadcast, of f16: see lib/elementwise/binary.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/elementwise/binary.wgsl"
