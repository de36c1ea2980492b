// Four neighbouring channels at a time, for numbers of channels that four divides, x of f16: see lib/batch_norm/statistics.wgsl.
enable f16;
alias Value = vec4<f32>;
alias Stored = vec4<f16>;
// #include "lib/batch_norm/statistics.wgsl"
