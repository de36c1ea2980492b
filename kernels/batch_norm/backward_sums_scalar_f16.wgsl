// One channel at a time, for any number of channels, x of f16: see lib/batch_norm/backward_sums.wgsl.
enable f16;
alias Value = f32;
alias Stored = f16;
// #include "lib/batch_norm/backward_sums.wgsl"
