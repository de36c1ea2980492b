// The largest in parts of rows of f16: see lib/argmax_rows/parts.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/argmax_rows/parts.wgsl"
