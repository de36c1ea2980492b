// Four neighbouring channels at a time, for numbers of channels that four divides: see lib/batch_norm/backward_apply.wgsl.
alias Value = vec4<f32>;
alias Stored = vec4<f32>;
// #include "lib/batch_norm/backward_apply.wgsl"
