// From u32 to f32: see lib/cast/convert.wgsl.
alias From = u32;
alias To = f32;
// #include "lib/cast/convert.wgsl"
