// Functions of two tensors, which broadcast, of f32: see lib/elementwise/binary.wgsl.
alias Stored = f32;
// #include "lib/elementwise/binary.wgsl"
