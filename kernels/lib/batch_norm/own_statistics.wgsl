// The statistics of the rows of one of several processes that normalise their rows together: what the others need of them.
//
//   partial [part_slices, 2, channels] → own [3, channels]: x[0], the mean of x − x[0], and m2 = Σ (x − mean)²
//
// x holds `Stored`, f32 or f16. One invocation: one channel.
// #include "lib/batch_norm/slices.wgsl"

struct Params { channels: u32, slice_rows: u32, part_rows: u32, part_slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;
@group(0) @binding(3) var<storage, read_write> own: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channel = id.x;
  if (channel >= params.channels) { return; }
  let all = merge_slices(channel, 0u, params.part_slices);
  own[channel] = f32(x[channel]);
  own[params.channels + channel] = all.y;
  own[2u * params.channels + channel] = all.z;
}
