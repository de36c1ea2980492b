// Batched products of f32, lines of any length: see lib/bmm/forward.wgsl.
alias Value = f32;
alias Stored = f32;
// #include "lib/bmm/forward.wgsl"
// #include "lib/bmm/scalars.wgsl"
