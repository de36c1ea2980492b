// Norms for LARS from scaled gradients: see lib/lars/norms.wgsl.
// #include "lib/optimizer/gate.wgsl"
// #include "lib/lars/norms.wgsl"
