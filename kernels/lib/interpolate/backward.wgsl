// dx = Σ dy times the weight with which an output read the input: dy [N, out_height, out_width, channels] → dx [N,
// height, width, channels] of `Stored`, f32 or f16. One invocation: one element of dx, which goes through the outputs
// that may have read it.
// #include "lib/grid.wgsl"
// #include "lib/interpolate/taps.wgsl"

struct Params { height: u32, width: u32, channels: u32, out_height: u32, out_width: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Stored>;
@group(0) @binding(2) var<storage, read_write> dx: array<Stored>;

// The weight of an input in an output, along one axis.
fn weight_of(input: u32, output: u32, inputs: u32, outputs: u32) -> f32 {
  let read = taps(output, inputs, outputs);
  return select(0.0, 1.0 - read.weight, read.low == input) + select(0.0, read.weight, read.high == input);
}

// Outputs first ≤ o < end whose src lies within 1 of the input; the last input also has what lies beyond it.
fn readers(input: u32, inputs: u32, outputs: u32) -> vec2<u32> {
  let low = max((2u * input + 1u) * outputs, 2u * outputs + inputs) - (2u * outputs + inputs);
  let high = ((2u * input + 3u) * outputs + inputs - 1u) / (2u * inputs);
  return vec2(low / (2u * inputs), select(min(high, outputs), outputs, input + 1u == inputs));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let pixel = i / params.channels;
  let channel = i - pixel * params.channels;
  let row = pixel / params.width;
  let image = row / params.height;
  let y = row - image * params.height;
  let x = pixel - row * params.width;
  let rows = readers(y, params.height, params.out_height);
  let columns = readers(x, params.width, params.out_width);
  var sum = 0.0;
  for (var oy = rows.x; oy < rows.y; oy++) {
    let start = (image * params.out_height + oy) * params.out_width;
    var across = 0.0;
    for (var ox = columns.x; ox < columns.y; ox++) {
      across += weight_of(x, ox, params.width, params.out_width) * f32(dy[(start + ox) * params.channels + channel]);
    }
    sum += weight_of(y, oy, params.height, params.out_height) * across;
  }
  dx[i] = Stored(sum);
}
