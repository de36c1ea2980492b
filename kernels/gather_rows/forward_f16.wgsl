// Rows by their indices, elements of f16: see lib/gather_rows/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/gather_rows/forward.wgsl"
