// Rows by their indices, elements of four bytes: see lib/gather_rows/forward.wgsl.
alias Stored = u32;
// #include "lib/gather_rows/forward.wgsl"
