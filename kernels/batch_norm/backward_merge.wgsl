// Adds the sums of all slices: gradients of weight and bias, and what the gradient of x needs of every channel.
//
//   partial [slices, 2, channels] → dbias = Σ g, dweight = rstd Σ g (x − mean), coefficients [4, channels] with
//   dx = c₀ g + c₁ (x − mean[0]) + c₂,  c₀ = weight rstd,  c₁ = −c₀ rstd dweight / rows,  c₂ = −c₀ dbias / rows − c₁ mean[1]
//   and c₃ = bias − c₀ mean[1], so that the normalised value is c₀ (x − mean[0]) + c₃
//   (frozen statistics do not depend on x: c₁ = c₂ = 0)
//
// One invocation: one channel. `sums` is set.
// #include "lib/batch_norm/slices.wgsl"

struct Params { rows: u32, channels: u32, slices: u32, slice_rows: u32, frozen: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> rstd: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(7) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(8) var<storage, read_write> coefficients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channels = params.channels;
  let channel = id.x;
  if (channel >= channels) { return; }
  let sum = merge_slices(channel, 0u, params.slices);
  let rest = mean[channels + channel];
  let scale = weight[channel] * rstd[channel];
  let dw = rstd[channel] * (sum.z - rest * sum.y);
  dweight[channel] = dw;
  dbias[channel] = sum.y;
  let share = select(1.0 / sum.x, 0.0, params.frozen != 0u);
  let slope = -scale * rstd[channel] * dw * share;
  coefficients[channel] = scale;
  coefficients[channels + channel] = slope;
  coefficients[2u * channels + channel] = -scale * sum.y * share - slope * rest;
  coefficients[3u * channels + channel] = bias[channel] - rest * scale;
}
