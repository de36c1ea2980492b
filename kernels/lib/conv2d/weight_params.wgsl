// Parameters of the kernels for the weight gradient: sizes of x, of dy and of the filter, and how the pixels are cut.
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
  slice: u32,  // pixels in a slice; the last ones may have fewer, or none
}

@group(0) @binding(0) var<uniform> params: Params;
