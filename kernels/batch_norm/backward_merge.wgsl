// Adds the sums of all slices: gradients of weight and bias, and what the gradient of x needs of every channel in each part of the rows.
//
//   partial [parts · part_slices, 2, channels] → dbias = Σ g, dweight = rstd Σ g (x − mean), coefficients [parts, 4, channels] with
//   dx = c₀ g + c₁ (x − mean[0]) + c₂,  c₀ = weight rstd,  c₁ = −c₀ rstd dweight / part_rows,  c₂ = −c₀ dbias / part_rows − c₁ mean[1]
//   and c₃ = bias − c₀ mean[1], so that the normalised value is c₀ (x − mean[0]) + c₃
//   with the part's own sums (frozen statistics do not depend on x: c₁ = c₂ = 0)
//
// Where slices are those of several processes, dweight and dbias are each one's share of them, 1/processes.
//
// One invocation: one channel. `sums` is set.
// #include "lib/batch_norm/slices.wgsl"

struct Params {
  channels: u32, slice_rows: u32, parts: u32, part_rows: u32, part_slices: u32, frozen: u32, share: f32,
}
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
  var of_weight = 0.0;
  var of_bias = 0.0;
  for (var part = 0u; part < params.parts; part++) {
    let sum = merge_slices(channel, part * params.part_slices, (part + 1u) * params.part_slices);
    let rest = mean[(2u * part + 1u) * channels + channel];
    let deviation = rstd[part * channels + channel];
    let scale = weight[channel] * deviation;
    let dw = deviation * (sum.z - rest * sum.y);
    of_weight += dw;
    of_bias += sum.y;
    let per_row = select(1.0 / sum.x, 0.0, params.frozen != 0u);
    let slope = -scale * deviation * dw * per_row;
    let at = 4u * part * channels + channel;
    coefficients[at] = scale;
    coefficients[at + channels] = slope;
    coefficients[at + 2u * channels] = -scale * sum.y * per_row - slope * rest;
    coefficients[at + 3u * channels] = bias[channel] - rest * scale;
  }
  dweight[channel] = of_weight * params.share;
  dbias[channel] = of_bias * params.share;
}
