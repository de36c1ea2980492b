// Merges the statistics of all slices and updates the running ones.
//
//   partial [slices, 2, channels] → mean [2, channels], rstd [channels] = 1/√(m2/rows + eps)
//   running_mean += momentum (mean − running_mean), running_var likewise with the unbiased m2/(rows − 1); tracked += 1
//
// The mean is kept in two parts, the first row x[0] and the distance from there: x − mean[0] − mean[1] is then right to the last
// digits of x, however far from zero the data lie. One workgroup: eight channels, 32 lanes share the slices of each.
// #include "lib/columns.wgsl"

struct Params { rows: u32, channels: u32, slices: u32, slice_rows: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> tracked: array<u32>;
@group(0) @binding(6) var<storage, read_write> mean: array<f32>;
@group(0) @binding(7) var<storage, read_write> rstd: array<f32>;

// (n, mean, m2) of two sets of rows together
fn combine(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  let n = a.x + b.x;
  let share = b.x / max(n, 1.0);
  let delta = b.y - a.y;
  return vec3(n, a.y + delta * share, a.z + b.z + delta * delta * (a.x * share));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let channel = group.x * 8u + local % 8u;
  var sum = vec3(0.0);
  if (channel < params.channels) {
    for (var slice = local / 8u; slice < params.slices; slice += 32u) {
      let n = min(params.slice_rows, params.rows - slice * params.slice_rows);
      let at = 2u * slice * params.channels + channel;
      sum = combine(sum, vec3(f32(n), partial[at], partial[at + params.channels]));
    }
  }
  sum = reduce_columns(local, sum);
  if (local >= 8u || channel >= params.channels) { return; }
  mean[channel] = x[channel];
  mean[params.channels + channel] = sum.y;
  rstd[channel] = 1.0 / sqrt(sum.z / sum.x + params.eps);
  running_mean[channel] += params.momentum * (x[channel] + sum.y - running_mean[channel]);
  running_var[channel] += params.momentum * (sum.z / (sum.x - 1.0) - running_var[channel]);
  if (channel == 0u) { tracked[0]++; }
}
