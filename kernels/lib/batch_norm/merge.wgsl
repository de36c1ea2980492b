// Merges the statistics of all slices of each part of the rows and updates the running ones by their means over the parts.
//
//   partial [parts · part_slices, 2, channels] → mean [parts, 2, channels], rstd [parts, channels] = 1/√(m2/part_rows + eps)
//   running_mean += momentum (mean − running_mean), running_var likewise with the unbiased m2/(part_rows − 1); tracked += 1
//
// The mean is kept in two parts, the part's first row x[0] and the distance from there: x − mean[0] − mean[1] is then right to the last
// digits of x, however far from zero the data lie. x holds `Stored`, f32 or f16. One invocation: one channel.
// #include "lib/batch_norm/slices.wgsl"

struct Params {
  channels: u32, slice_rows: u32, parts: u32, part_rows: u32, part_slices: u32, eps: f32, momentum: f32,
}
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
  var moments = vec2(0.0);
  for (var part = 0u; part < params.parts; part++) {
    let all = merge_slices(channel, part * params.part_slices, (part + 1u) * params.part_slices);
    let first = f32(x[part * params.part_rows * params.channels + channel]);
    let at = 2u * part * params.channels + channel;
    mean[at] = first;
    mean[at + params.channels] = all.y;
    rstd[part * params.channels + channel] = 1.0 / sqrt(all.z / all.x + params.eps);
    moments += vec2(first + all.y, all.z / (all.x - 1.0));
  }
  moments /= f32(params.parts);
  running_mean[channel] += params.momentum * (moments.x - running_mean[channel]);
  running_var[channel] += params.momentum * (moments.y - running_var[channel]);
  if (channel == 0u) { tracked[0]++; }
}
