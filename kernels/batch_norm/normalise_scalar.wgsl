// One channel at a time, for any number of channels: see lib/batch_norm/normalise.wgsl.
alias Value = f32;
alias Stored = f32;
// #include "lib/batch_norm/normalise.wgsl"
