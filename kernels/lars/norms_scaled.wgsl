// Norms for LARS from scaled gradients: see lib/lars/norms.wgsl.
// #include "lib/optimizer/scaler_step.wgsl"
// #include "lib/lars/norms.wgsl"
