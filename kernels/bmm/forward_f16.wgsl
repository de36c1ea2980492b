// Batched products of f16, lines of whole vec4s: see lib/bmm/forward.wgsl.
enable f16;
alias Value = vec4<f16>;
alias Stored = f16;
// #include "lib/bmm/forward.wgsl"
// #include "lib/bmm/quads.wgsl"
