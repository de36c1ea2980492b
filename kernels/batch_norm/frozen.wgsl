// Takes the running statistics for those of the batch: mean[0] = running_mean, mean[1] = 0, rstd = 1/√(running_var + eps).
//
//   running_mean, running_var [channels] → mean [2, channels], rstd [channels]
//
// One invocation: one channel.
struct Params { channels: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> running_mean: array<f32>;
@group(0) @binding(2) var<storage, read> running_var: array<f32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channel = id.x;
  if (channel >= params.channels) { return; }
  mean[channel] = running_mean[channel];
  mean[params.channels + channel] = 0.0;
  rstd[channel] = 1.0 / sqrt(running_var[channel] + params.eps);
}
