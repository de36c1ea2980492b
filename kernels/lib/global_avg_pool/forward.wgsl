// y = mean of x over the map. x [N, pixels, channels] → y [N, channels], size = N · channels; x holds `Stored`,
// f32 or f16, y f32.
// One invocation: one channel of one image. A workgroup: 64 neighbours, channels fastest.
// #include "lib/grid.wgsl"

struct Params { size: u32, pixels: u32, channels: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let image = i / params.channels;
  var at = image * params.pixels * params.channels + (i - image * params.channels);
  var sum = 0.0;
  for (var pixel = 0u; pixel < params.pixels; pixel++) {
    sum += f32(x[at]);
    at += params.channels;
  }
  y[i] = sum / f32(params.pixels);
}
