// Adam on weights of f32 with copies of f16, from scaled gradients: see lib/adam/update.wgsl. Steps are counted on the device,
// which knows the skipped ones, so the corrections of step t are computed here.
enable f16;

struct Params {
  quads: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decoupled: u32,
  log_beta1: f32, log_beta2: f32,
}
// 1 − exp(x) for x ≤ 0; near 0 by its series, for the difference would have no digits left.
fn one_minus_exp(x: f32) -> f32 {
  if (x < -0.5) { return 1.0 - exp(x); }
  var sum = 1.0;
  for (var k = 10.0; k > 1.0; k -= 1.0) { sum = 1.0 + sum * x / k; }
  return -x * sum;
}

fn corrections(rates: vec4<f32>) -> vec2<f32> {
  let step = scaler_step[1];
  return vec2(rates.x / one_minus_exp(step * params.log_beta1), sqrt(one_minus_exp(step * params.log_beta2)));
}

// #include "lib/optimizer/half.wgsl"
// #include "lib/adam/update.wgsl"
