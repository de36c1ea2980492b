// Dropout of f32: see lib/dropout/forward.wgsl.
alias Stored = f32;
// #include "lib/dropout/forward.wgsl"
