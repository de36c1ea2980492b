// y = (x − mean) rstd weight + bias, where asked for + residual, where asked for max(…, 0).
//
//   x, residual, y [rows, channels]; mean [2, channels] (its two parts); rstd, weight, bias [channels]; in `Value`s of channels, which x,
//   residual and y hold as `Stored`: the same of f32 or f16
//
// One invocation: one Value of up to `block_rows` rows, so that what belongs to a channel is read once for them all.
// A workgroup: 64 of them, channels fastest. NaN passes through the ReLU.
// #include "lib/grid.wgsl"

override with_residual: bool = false;
override with_relu: bool = false;

struct Params { rows: u32, channels: u32, block_rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> residual: array<Stored>;
@group(0) @binding(3) var<storage, read> mean: array<Value>;
@group(0) @binding(4) var<storage, read> rstd: array<Value>;
@group(0) @binding(5) var<storage, read> weight: array<Value>;
@group(0) @binding(6) var<storage, read> bias: array<Value>;
@group(0) @binding(7) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let block = i / params.channels;
  let first = block * params.block_rows;
  if (first >= params.rows) { return; }
  let channel = i - block * params.channels;
  let centre = mean[channel];
  let scale = weight[channel] * rstd[channel];
  let offset = bias[channel] - mean[params.channels + channel] * scale;
  let end = min(first + params.block_rows, params.rows) * params.channels;
  for (var at = first * params.channels + channel; at < end; at += params.channels) {
    var value = (Value(x[at]) - centre) * scale + offset;
    if (with_residual) { value += Value(residual[at]); }
    if (with_relu) { value = select(value, Value(0.0), value < Value(0.0)); }
    y[at] = Stored(value);
  }
}
