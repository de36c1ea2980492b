// Parameters and bindings of the weight gradient's kernels: see backward_weight.wgsl for shapes. Whoever includes this has `Value`.
// #include "lib/conv2d/weight_params.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;
