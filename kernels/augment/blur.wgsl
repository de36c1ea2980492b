// A pass of a Gaussian blur: see lib/augment/blur.wgsl.
alias Stored = vec4<f32>;
// #include "lib/augment/blur.wgsl"
