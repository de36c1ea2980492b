// Ranks in rows of f32: see lib/rank_rows/forward.wgsl.
alias Stored = f32;
// #include "lib/rank_rows/forward.wgsl"
