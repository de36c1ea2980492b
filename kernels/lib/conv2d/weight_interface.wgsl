// Parameters and bindings of the weight gradient's kernels: see backward_weight.wgsl for shapes. Whoever includes this has `Value`.
struct Params {
  batch: u32,
  height: u32,
  width: u32,
  channels: u32,
  out_height: u32,
  out_width: u32,
  out_channels: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride: u32,
  padding: u32,
  slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;
