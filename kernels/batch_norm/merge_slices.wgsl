// Merges every `fan` neighbouring slices of a part of the rows into one, when there are too many for one invocation a channel.
//
//   partial [parts · part_slices, 2, channels] → merged [parts · part_merged, 2, channels], part_merged = ⌈part_slices / fan⌉
//
// One invocation: one channel of one merged slice. A workgroup: 64 of them, channels fastest.
// #include "lib/grid.wgsl"
// #include "lib/batch_norm/slices.wgsl"

struct Params {
  channels: u32, slice_rows: u32, part_rows: u32, part_slices: u32, merged: u32, part_merged: u32, fan: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> merged: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let target_slice = i / params.channels;
  let channel = i - target_slice * params.channels;
  if (target_slice >= params.merged) { return; }
  let part = target_slice / params.part_merged * params.part_slices;
  let first = target_slice % params.part_merged * params.fan;
  let sum = merge_slices(channel, part + first, part + min(first + params.fan, params.part_slices));
  let at = 2u * target_slice * params.channels + channel;
  merged[at] = sum.y;
  merged[at + params.channels] = sum.z;
}
