// Adam on weights of f32: see lib/adam/update.wgsl.
struct Params {
  quads: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decoupled: u32,
}
fn corrections(rates: vec4<f32>) -> vec2<f32> { return rates.yz; }

// #include "lib/optimizer/plain.wgsl"
// #include "lib/adam/update.wgsl"
