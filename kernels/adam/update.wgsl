// Adam on weights of f32: see lib/adam/update.wgsl.
struct Params {
  quads: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, coupled_decay: f32, decoupled_decay: f32,
}
fn corrections() -> vec2<f32> { return vec2(scalars[1], scalars[2]); }

// #include "lib/optimizer/plain.wgsl"
// #include "lib/adam/update.wgsl"
