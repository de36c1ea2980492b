// Bilinear interpolation of f16: see lib/interpolate/forward.wgsl.
enable f16;
alias Stored = f16;
// #include "lib/interpolate/forward.wgsl"
