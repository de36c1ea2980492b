// Adds the sums of all slices: gradients of weight and bias, and what the gradient of x needs of every channel.
//
//   partial [slices, 2, channels] → dbias = Σ g, dweight = rstd Σ g (x − mean), coefficients [3, channels] with
//   dx = c₀ g + c₁ (x − mean[0]) + c₂,  c₀ = weight rstd,  c₁ = −c₀ rstd dweight / rows,  c₂ = −c₀ dbias / rows − c₁ mean[1]
//   (frozen statistics do not depend on x: c₁ = c₂ = 0)
//
// One workgroup: eight channels, 32 lanes share the slices of each.
// #include "lib/columns.wgsl"

struct Params { rows: u32, channels: u32, slices: u32, frozen: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> rstd: array<f32>;
@group(0) @binding(5) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(7) var<storage, read_write> coefficients: array<f32>;

fn combine(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> { return a + b; }

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let channels = params.channels;
  let channel = group.x * 8u + local % 8u;
  var sum = vec3(0.0);
  if (channel < channels) {
    for (var slice = local / 8u; slice < params.slices; slice += 32u) {
      let at = 2u * slice * channels + channel;
      sum += vec3(partial[at], partial[at + channels], 0.0);
    }
  }
  sum = reduce_columns(local, sum);
  if (local >= 8u || channel >= channels) { return; }
  let rest = mean[channels + channel];
  let scale = weight[channel] * rstd[channel];
  let dw = rstd[channel] * (sum.y - rest * sum.x);
  dweight[channel] = dw;
  dbias[channel] = sum.x;
  let share = select(1.0 / f32(params.rows), 0.0, params.frozen != 0u);
  let slope = -scale * rstd[channel] * dw * share;
  coefficients[channel] = scale;
  coefficients[channels + channel] = slope;
  coefficients[2u * channels + channel] = -scale * sum.x * share - slope * rest;
}
