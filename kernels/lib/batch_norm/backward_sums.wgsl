// The two sums of every channel that the gradients need, over a slice of rows: Σ g and Σ g (x − mean[0]), where g is dy, or dy
// where y > 0 when a ReLU followed. With `recompute` y is not read but made again from x, as `normalise` made it.
//
//   x, dy, y [rows, channels]; mean [parts, 2, channels]; rstd [parts, channels]; weight, bias [channels] →
//   partial [slices, 2, channels], part_slices of each part of part_rows; in `Value`s of channels, which x, dy and y hold as `Stored`: the same of f32 or f16
//
// One invocation: one Value of one slice. A workgroup: 64 of them, channels fastest.
// #include "lib/grid.wgsl"

override with_relu: bool = false;
override recompute: bool = false;

struct Params { channels: u32, slices: u32, slice_rows: u32, part_rows: u32, part_slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> dy: array<Stored>;
@group(0) @binding(3) var<storage, read> y: array<Stored>;
@group(0) @binding(4) var<storage, read> mean: array<Value>;
@group(0) @binding(5) var<storage, read> rstd: array<Value>;
@group(0) @binding(6) var<storage, read> weight: array<Value>;
@group(0) @binding(7) var<storage, read> bias: array<Value>;
@group(0) @binding(8) var<storage, read_write> partial: array<Value>;

// What a row is, and what y is made of again.
struct Row { x: Stored, dy: Stored, y: Stored }
struct Norm { centre: Value, scale: Value, offset: Value }
struct Sums { plain: Value, centred: Value }

fn load(at: u32) -> Row {
  var row = Row(x[at], dy[at], Stored(0.0));
  if (with_relu && !recompute) { row.y = y[at]; }
  return row;
}

fn with_row(sums: Sums, row: Row, norm: Norm) -> Sums {
  let centred = Value(row.x) - norm.centre;
  var g = Value(row.dy);
  if (recompute) {
    g = select(Value(0.0), g, Stored(centred * norm.scale + norm.offset) > Stored(0.0));
  } else if (with_relu) {
    g = select(Value(0.0), g, row.y > Stored(0.0));
  }
  return Sums(sums.plain + g, sums.centred + g * centred);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.slices * params.channels) { return; }
  let slice = i / params.channels;
  let channel = i - slice * params.channels;
  let part = slice / params.part_slices;
  let first = slice % params.part_slices * params.slice_rows;
  let end = (part * params.part_rows + min(first + params.slice_rows, params.part_rows)) * params.channels;
  let moments = 2u * part * params.channels + channel;
  let centre = mean[moments];
  var scale = Value(0.0);
  var offset = Value(0.0);
  if (recompute) {
    scale = weight[channel] * rstd[part * params.channels + channel];
    offset = bias[channel] - mean[moments + params.channels] * scale;
  }
  let norm = Norm(centre, scale, offset);
  let stride = params.channels;
  var sums = Sums(Value(0.0), Value(0.0));
  var at = (part * params.part_rows + first) * stride + channel;
  // Four rows at a time are loaded before they are looked at: more of memory is then under way.
  for (; at + 3u * stride < end; at += 4u * stride) {
    let a = load(at);
    let b = load(at + stride);
    let c = load(at + 2u * stride);
    let d = load(at + 3u * stride);
    sums = with_row(with_row(with_row(with_row(sums, a, norm), b, norm), c, norm), d, norm);
  }
  for (; at < end; at += stride) { sums = with_row(sums, load(at), norm); }
  partial[2u * slice * params.channels + channel] = sums.plain;
  partial[(2u * slice + 1u) * params.channels + channel] = sums.centred;
}
