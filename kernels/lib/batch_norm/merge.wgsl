// Merges the statistics of all slices and updates the running ones.
//
//   partial [slices, 2, channels] → mean [2, channels], rstd [channels] = 1/√(m2/rows + eps)
//   running_mean += momentum (mean − running_mean), running_var likewise with the unbiased m2/(rows − 1); tracked += 1
//
// The mean is kept in two parts, the first row x[0] and the distance from there: x − mean[0] − mean[1] is then right to the last
// digits of x, however far from zero the data lie. x holds `Stored`, f32 or f16. One invocation: one channel.
// #include "lib/batch_norm/slices.wgsl"

struct Params { rows: u32, channels: u32, slices: u32, slice_rows: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> tracked: array<u32>;
@group(0) @binding(6) var<storage, read_write> mean: array<f32>;
@group(0) @binding(7) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channel = id.x;
  if (channel >= params.channels) { return; }
  let all = merge_slices(channel, 0u, params.slices);
  let first = f32(x[channel]);
  mean[channel] = first;
  mean[params.channels + channel] = all.y;
  rstd[channel] = 1.0 / sqrt(all.z / all.x + params.eps);
  running_mean[channel] += params.momentum * (first + all.y - running_mean[channel]);
  running_var[channel] += params.momentum * (all.z / (all.x - 1.0) - running_var[channel]);
  if (channel == 0u) { tracked[0]++; }
}
