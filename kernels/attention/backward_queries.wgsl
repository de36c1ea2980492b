// Attention of f32: see lib/attention/backward_queries.wgsl.
alias Stored = f32;
// #include "lib/attention/backward_queries.wgsl"
