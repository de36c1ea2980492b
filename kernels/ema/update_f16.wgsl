// A moving average of weights of f32 with copies of f16, which are written too: see lib/ema/update.wgsl.
enable f16;
@group(0) @binding(9) var<storage, read_write> half_weights: array<vec4<f16>>;

fn keep_copy(i: u32, weight: vec4<f32>) { half_weights[i] = vec4<f16>(weight); }

// #include "lib/ema/update.wgsl"
