// y = largest x of each window, argmax = its position row · width + column in the map. Padding never wins; of equal values the
// first in row-major order does, as in PyTorch; a NaN always wins.
//
//   x [N, height, width, channels] → y, argmax [N, out_height, out_width, channels]; rows = N · out_height; in `Value`s of channels,
//   which x and y hold as `Stored`: the same of f32 or f16
//
// One invocation: one Value of one row of y, left to right, so that indices are divided once a row. A workgroup: 64 of them.
// #include "lib/grid.wgsl"

struct Params {
  rows: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32, kernel: u32, stride: u32, padding: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;
@group(0) @binding(3) var<storage, read_write> argmax: array<Position>;

// Positions of a window that lie inside the map: [from, to). `place` counts outputs along one axis of `size` inputs.
fn window(place: u32, size: u32) -> vec2<u32> {
  let start = place * params.stride;
  return vec2(max(start, params.padding), min(start + params.kernel, size + params.padding)) - params.padding;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.channels;
  if (row >= params.rows) { return; }
  let channel = i - row * params.channels;
  let image = row / params.out_height;
  let vertical = window(row - image * params.out_height, params.height);
  let base = image * params.height * params.width * params.channels + channel;
  var at = row * params.out_width * params.channels + channel;
  for (var column = 0u; column < params.out_width; column++) {
    let horizontal = window(column, params.width);
    let first = vertical.x * params.width + horizontal.x;
    var position = Position(first);
    var best = Value(x[base + first * params.channels]);
    for (var r = vertical.x; r < vertical.y; r++) {
      for (var c = horizontal.x; c < horizontal.y; c++) {
        let here = r * params.width + c;
        let value = Value(x[base + here * params.channels]);
        let nan = (bitcast<Position>(value) & Position(0x7fffffffu)) > Position(0x7f800000u);
        let wins = (value > best) | nan;
        best = select(best, value, wins);
        position = select(position, Position(here), wins);
      }
    }
    y[at] = Stored(best);
    argmax[at] = position;
    at += params.channels;
  }
}
