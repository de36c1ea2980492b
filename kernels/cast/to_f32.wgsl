// From f16 to f32: see lib/cast/convert.wgsl.
enable f16;
alias From = f16;
alias To = f32;
// #include "lib/cast/convert.wgsl"
