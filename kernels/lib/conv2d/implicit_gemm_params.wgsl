// Parameters of the kernels for a convolution and for its input gradient: sizes of x (or dy), of y (or dx), of the filter.
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
  input_gradient: u32,  // 0 or 1
}

@group(0) @binding(0) var<uniform> params: Params;
