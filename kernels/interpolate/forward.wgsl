// Bilinear interpolation of f32: see lib/interpolate/forward.wgsl.
alias Stored = f32;
// #include "lib/interpolate/forward.wgsl"
