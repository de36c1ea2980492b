// Ranks in rows of u32: see lib/rank_rows/forward.wgsl.
alias Stored = u32;
// #include "lib/rank_rows/forward.wgsl"
