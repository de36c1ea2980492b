// A moving average of weights of f32: see lib/ema/update.wgsl.
fn keep_copy(i: u32, weight: vec4<f32>) {}

// #include "lib/ema/update.wgsl"
