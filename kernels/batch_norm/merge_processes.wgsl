// Merges the statistics of all processes, in their order, and updates the running ones: the same numbers on each.
//
//   all [processes, 3, channels]: x[0], mean − x[0] and m2 of `rows` rows each → mean [2, channels], rstd [channels] =
//   1/√(Σm2/n + eps), n = processes · rows;  running_mean += momentum (mean − running_mean), running_var likewise with the unbiased
//   m2/(n − 1);  tracked += 1
//
// mean[0] is the first row of process 0, mean[1] the distance from there, as `merge` has them. One invocation: one channel.
struct Params { channels: u32, processes: u32, rows: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> all: array<f32>;
@group(0) @binding(2) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(4) var<storage, read_write> tracked: array<u32>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channels = params.channels;
  let channel = id.x;
  if (channel >= channels) { return; }
  let rows = f32(params.rows);
  let origin = all[channel];
  var n = 0.0;
  var distance = 0.0;
  var m2 = 0.0;
  for (var process = 0u; process < params.processes; process++) {
    let at = 3u * process * channels + channel;
    let delta = (all[at] - origin) + all[at + channels] - distance;
    let share = rows / (n + rows);
    m2 += all[at + 2u * channels] + delta * delta * (n * share);
    distance += delta * share;
    n += rows;
  }
  mean[channel] = origin;
  mean[channels + channel] = distance;
  rstd[channel] = 1.0 / sqrt(m2 / n + params.eps);
  running_mean[channel] += params.momentum * (origin + distance - running_mean[channel]);
  running_var[channel] += params.momentum * (m2 / (n - 1.0) - running_var[channel]);
  if (channel == 0u) { tracked[0]++; }
}
