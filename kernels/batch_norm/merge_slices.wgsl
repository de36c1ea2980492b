// Merges every `fan` neighbouring slices into one, when there are too many for one invocation a channel.
//
//   partial [slices, 2, channels] → merged [slices / fan, 2, channels]
//
// One invocation: one channel of one merged slice. A workgroup: 64 of them, channels fastest.
// #include "lib/grid.wgsl"
// #include "lib/batch_norm/slices.wgsl"

struct Params { rows: u32, channels: u32, slices: u32, slice_rows: u32, fan: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> merged: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let target_slice = i / params.channels;
  let channel = i - target_slice * params.channels;
  let first = target_slice * params.fan;
  if (first >= params.slices) { return; }
  let sum = merge_slices(channel, first, min(first + params.fan, params.slices));
  let at = 2u * target_slice * params.channels + channel;
  merged[at] = sum.y;
  merged[at + params.channels] = sum.z;
}
