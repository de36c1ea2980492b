// Norms for LARS from gradients as they are: see lib/lars/norms.wgsl.
fn unscaled(gradient: vec4<f32>) -> vec4<f32> { return gradient; }

// #include "lib/lars/norms.wgsl"
