// What `loss_scale` says of a step: gate[0] = 1/scale for the scaled gradients, or 0 where the step is skipped because one of them
// is not finite; gate[1] = the number of this step, skipped ones not counted.
@group(0) @binding(8) var<storage, read> gate: array<f32>;

fn is_skipped() -> bool { return gate[0] == 0.0; }

fn unscaled(gradient: vec4<f32>) -> vec4<f32> { return gradient * gate[0]; }
