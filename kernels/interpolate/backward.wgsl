// The gradient of bilinear interpolation of f32: see lib/interpolate/backward.wgsl.
alias Stored = f32;
// #include "lib/interpolate/backward.wgsl"
