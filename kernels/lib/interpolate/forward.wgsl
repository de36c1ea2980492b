// Bilinear interpolation: x [N, height, width, channels] → y [N, out_height, out_width, channels] of `Stored`, f32 or
// f16. One invocation: one element of y.
// #include "lib/grid.wgsl"
// #include "lib/interpolate/taps.wgsl"

struct Params { height: u32, width: u32, channels: u32, out_height: u32, out_width: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

// The row of x that starts at pixel `start`, interpolated.
fn along(start: u32, columns: Taps, channel: u32) -> f32 {
  let low = f32(x[(start + columns.low) * params.channels + channel]);
  let high = f32(x[(start + columns.high) * params.channels + channel]);
  return (1.0 - columns.weight) * low + columns.weight * high;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let pixel = i / params.channels;
  let channel = i - pixel * params.channels;
  let row = pixel / params.out_width;
  let image = row / params.out_height;
  let rows = taps(row - image * params.out_height, params.height, params.out_height);
  let columns = taps(pixel - row * params.out_width, params.width, params.out_width);
  let top = image * params.height;
  let low = along((top + rows.low) * params.width, columns, channel);
  let high = along((top + rows.high) * params.width, columns, channel);
  y[i] = Stored((1.0 - rows.weight) * low + rows.weight * high);
}
