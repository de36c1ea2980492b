// From f32 to f16: see lib/cast/convert.wgsl.
enable f16;
alias From = f32;
alias To = f16;
// #include "lib/cast/convert.wgsl"
