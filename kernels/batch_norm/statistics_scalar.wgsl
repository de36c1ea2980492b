// One channel at a time, for any number of channels: see lib/batch_norm/statistics.wgsl.
alias Value = f32;
alias Stored = f32;
// #include "lib/batch_norm/statistics.wgsl"
