// dx = Σ of dy over the windows whose largest value it was: gathered by each element of x, so that no two invocations add to one
// place and the sum has one order.
//
//   dy, argmax [N, out_height, out_width, channels] → dx [N, height, width, channels]; rows = N · height; in `Value`s of channels,
//   which dy and dx hold as `Stored`: the same of f32 or f16
//
// One invocation: one Value of one row of dx, left to right. A workgroup: 64 of them.
// #include "lib/grid.wgsl"

struct Params {
  rows: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32, kernel: u32, stride: u32, padding: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Stored>;
@group(0) @binding(2) var<storage, read> argmax: array<Position>;
@group(0) @binding(3) var<storage, read_write> dx: array<Stored>;

// Outputs along one axis whose windows cover the input at `place`: [from, to).
fn covering(place: u32, outputs: u32) -> vec2<u32> {
  let padded = place + params.padding;
  let first = select((padded - params.kernel) / params.stride + 1u, 0u, padded < params.kernel);
  return vec2(first, min(padded / params.stride + 1u, outputs));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.channels;
  if (row >= params.rows) { return; }
  let channel = i - row * params.channels;
  let image = row / params.height;
  let top = row - image * params.height;
  let vertical = covering(top, params.out_height);
  let base = image * params.out_height * params.out_width * params.channels + channel;
  var at = row * params.width * params.channels + channel;
  var horizontal = covering(0u, params.out_width);
  for (var left = 0u; left < params.width; left++) {
    // one step to the right, at most one window begins and one ends
    let padded = left + params.padding;
    if (horizontal.x * params.stride + params.kernel <= padded) { horizontal.x++; }
    if (horizontal.y * params.stride <= padded && horizontal.y < params.out_width) { horizontal.y++; }
    let here = Position(top * params.width + left);
    var sum = Value(0.0);
    for (var r = vertical.x; r < vertical.y; r++) {
      for (var c = horizontal.x; c < horizontal.y; c++) {
        let source = base + (r * params.out_width + c) * params.channels;
        sum += select(Value(0.0), Value(dy[source]), argmax[source] == here);
      }
    }
    dx[at] = Stored(sum);
    at += params.channels;
  }
}
