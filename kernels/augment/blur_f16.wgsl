// The last pass of a Gaussian blur, with views of f16: see lib/augment/blur.wgsl.
enable f16;
alias Stored = vec4<f16>;
// #include "lib/augment/blur.wgsl"
