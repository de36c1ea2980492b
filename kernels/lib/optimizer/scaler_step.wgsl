// What `loss_scale` says of a step, GradScaler's inv_scale and found_inf in one: scaler_step[0] = 1/scale for the scaled gradients,
// or 0 where the step is skipped because one of them is not finite; scaler_step[1] = the number of this step, skipped ones not
// counted.
@group(0) @binding(8) var<storage, read> scaler_step: array<f32>;

fn is_skipped() -> bool { return scaler_step[0] == 0.0; }

fn unscaled(gradient: vec4<f32>) -> vec4<f32> { return gradient * scaler_step[0]; }
