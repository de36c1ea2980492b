// Four neighbouring channels at a time, for numbers of channels that four divides: see lib/max_pool/backward.wgsl.
alias Value = vec4<f32>;
alias Stored = vec4<f32>;
alias Position = vec4<u32>;
// #include "lib/max_pool/backward.wgsl"
