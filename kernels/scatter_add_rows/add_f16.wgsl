// Sums of rows with one index of f16: see lib/scatter_add_rows/add.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/scatter_add_rows/add.wgsl"
