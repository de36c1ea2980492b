// Batched products of f32, lines of whole vec4s: see lib/bmm/forward.wgsl.
alias Value = vec4<f32>;
alias Stored = f32;
// #include "lib/bmm/forward.wgsl"
// #include "lib/bmm/quads.wgsl"
