// Dropout of f16: see lib/dropout/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/dropout/forward.wgsl"
