// dx = c₀ g + c₁ (x − mean[0]) + c₂ with the coefficients of `batch_norm/backward_merge`; g is dy, or dy where y > 0 when a ReLU
// followed, and is kept in `masked` for the residual branch where that reads it. With `recompute` y is not read but made again from
// x: c₀ (x − mean[0]) + c₃. With `in_place` dx holds dy at first.
//
//   x, dy, y, dx, masked [rows, channels]; mean [parts, 2, channels]; coefficients [parts, 4, channels]; in `Value`s of channels, which the first five
//   hold as `Stored`: the same of f32 or f16
//
// One invocation: one Value of up to `block_rows` rows of a part. A workgroup: 64 of them, channels fastest.
// #include "lib/grid.wgsl"

override with_relu: bool = false;
override recompute: bool = false;
override keep_masked: bool = false;
override in_place: bool = false;

struct Params { channels: u32, block_rows: u32, parts: u32, part_rows: u32, part_blocks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> dy: array<Stored>;
@group(0) @binding(3) var<storage, read> y: array<Stored>;
@group(0) @binding(4) var<storage, read> mean: array<Value>;
@group(0) @binding(5) var<storage, read> coefficients: array<Value>;
@group(0) @binding(6) var<storage, read_write> dx: array<Stored>;
@group(0) @binding(7) var<storage, read_write> masked: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let block = i / params.channels;
  let part = block / params.part_blocks;
  if (part >= params.parts) { return; }
  let first = block % params.part_blocks * params.block_rows;
  let channel = i - block * params.channels;
  let centre = mean[2u * part * params.channels + channel];
  let linear = 4u * part * params.channels + channel;
  let scale = coefficients[linear];
  let slope = coefficients[linear + params.channels];
  let offset = coefficients[linear + 2u * params.channels];
  let shift = coefficients[linear + 3u * params.channels];
  let end = (part * params.part_rows + min(first + params.block_rows, params.part_rows)) * params.channels;
  var at = (part * params.part_rows + first) * params.channels + channel;
  for (; at < end; at += params.channels) {
    let centred = Value(x[at]) - centre;
    var g = Value(0.0);
    if (in_place) { g = Value(dx[at]); } else { g = Value(dy[at]); }
    if (recompute) {
      g = select(Value(0.0), g, Stored(centred * scale + shift) > Stored(0.0));
    } else if (with_relu) {
      g = select(Value(0.0), g, y[at] > Stored(0.0));
    }
    if (keep_masked) { masked[at] = Stored(g); }
    dx[at] = Stored(scale * g + (slope * centred + offset));
  }
}
