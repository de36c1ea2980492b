// dx = dy / pixels at every pixel. dy [N, channels] → dx [N, pixels, channels], size = N · channels; dx holds
// `Stored`, f32 or f16, dy f32.
// One invocation: one channel of one image. A workgroup: 64 neighbours, channels fastest.
// #include "lib/grid.wgsl"

struct Params { size: u32, pixels: u32, channels: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let image = i / params.channels;
  var at = image * params.pixels * params.channels + (i - image * params.channels);
  let share = dy[i] / f32(params.pixels);
  for (var pixel = 0u; pixel < params.pixels; pixel++) {
    dx[at] = Stored(share);
    at += params.channels;
  }
}
