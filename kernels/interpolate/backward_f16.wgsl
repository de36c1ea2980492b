// The gradient of bilinear interpolation of f16: see lib/interpolate/backward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/interpolate/backward.wgsl"
