// One channel at a time, for any number of channels, of f16: see lib/max_pool/forward.wgsl.
enable f16;
alias Value = f32;
alias Stored = f16;
alias Position = u32;
// #include "lib/max_pool/forward.wgsl"
