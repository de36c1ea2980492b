// Copies of f32, u32 and i32, whose bits are words: see lib/strided_copy/copy.wgsl.
alias Stored = u32;
// #include "lib/strided_copy/copy.wgsl"
