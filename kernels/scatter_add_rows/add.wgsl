// Sums of rows with one index of f32: see lib/scatter_add_rows/add.wgsl.
alias Stored = f32;
// #include "lib/scatter_add_rows/add.wgsl"
