// What an optimiser's kernel asks where weights have copies of f16: see scaler_step.wgsl; the copy is written with the weight.
// #include "lib/optimizer/scaler_step.wgsl"
@group(0) @binding(9) var<storage, read_write> half_weights: array<vec4<f16>>;

fn keep_copy(i: u32, weight: vec4<f32>) { half_weights[i] = vec4<f16>(weight); }
