// One channel at a time, for any number of channels: see lib/max_pool/forward.wgsl.
alias Value = f32;
alias Stored = f32;
alias Position = u32;
// #include "lib/max_pool/forward.wgsl"
