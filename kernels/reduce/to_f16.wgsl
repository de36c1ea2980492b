// Sums and maxima along an axis, of f32 in f16: see lib/reduce/forward.wgsl.
enable f16;
alias Source = f32;
alias Target = f16;
// #include "lib/reduce/forward.wgsl"
