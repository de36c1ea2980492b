// Sums and maxima along an axis, of f32: see lib/reduce/forward.wgsl.
alias Source = f32;
alias Target = f32;
// #include "lib/reduce/forward.wgsl"
