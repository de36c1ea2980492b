// Four neighbouring channels at a time, for numbers of channels that four divides, of f16: see lib/max_pool/forward.wgsl.
enable f16;
alias Value = vec4<f32>;
alias Stored = vec4<f16>;
alias Position = vec4<u32>;
// #include "lib/max_pool/forward.wgsl"
