// Batched products of f16, lines of any length: see lib/bmm/forward.wgsl.
enable f16;
alias Value = f16;
alias Stored = f16;
// #include "lib/bmm/forward.wgsl"
// #include "lib/bmm/scalars.wgsl"
