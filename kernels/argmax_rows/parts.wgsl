// The largest in parts of rows of f32: see lib/argmax_rows/parts.wgsl.
alias Stored = f32;
// #include "lib/argmax_rows/parts.wgsl"
