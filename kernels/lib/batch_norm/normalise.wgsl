// y = (x − mean) rstd weight + bias, where asked for + residual, where asked for max(…, 0).
//
//   x, residual, y [rows, channels]; mean [parts, 2, channels] (two numbers whose sum it is); rstd [parts, channels]; weight,
//   bias [channels]; in `Value`s of channels, which x, residual and y hold as `Stored`: the same of f32 or f16. The rows are `parts`
//   parts of part_rows
//
// One invocation: one Value of up to `block_rows` rows of a part, so that what belongs to a channel is read once for them all.
// A workgroup: 64 of them, channels fastest. NaN passes through the ReLU.
// #include "lib/grid.wgsl"

override with_residual: bool = false;
override with_relu: bool = false;

struct Params { channels: u32, block_rows: u32, parts: u32, part_rows: u32, part_blocks: u32 }
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
  let part = block / params.part_blocks;
  if (part >= params.parts) { return; }
  let first = block % params.part_blocks * params.block_rows;
  let channel = i - block * params.channels;
  let moments = 2u * part * params.channels + channel;
  let centre = mean[moments];
  let scale = weight[channel] * rstd[part * params.channels + channel];
  let offset = bias[channel] - mean[moments + params.channels] * scale;
  let end = (part * params.part_rows + min(first + params.block_rows, params.part_rows)) * params.channels;
  var at = (part * params.part_rows + first) * params.channels + channel;
  for (; at < end; at += params.channels) {
    var value = (Value(x[at]) - centre) * scale + offset;
    if (with_residual) { value += Value(residual[at]); }
    if (with_relu) { value = select(value, Value(0.0), value < Value(0.0)); }
    y[at] = Stored(value);
  }
}
