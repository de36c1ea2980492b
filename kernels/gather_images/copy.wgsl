// images[n, w] = shard[indices[n] − first, w] for those n whose image lies in this shard; images [N, words] hold packed RGB bytes.
// An index past the last image counts as the last. One launch a shard. One workgroup: 256 words of one image; one invocation: four
// of them, 64 apart.
// #include "lib/grid.wgsl"

struct Params { count: u32, words: u32, first: u32, held: u32, last: u32, groups_per_image: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> shard: array<u32>;
@group(0) @binding(3) var<storage, read_write> images: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, 0u, 1u);
  let n = index / params.groups_per_image;
  if (n >= params.count) { return; }
  let image = min(indices[n], params.last) - params.first; // wraps to a large number before the shard
  if (image >= params.held) { return; }
  let start = (index % params.groups_per_image) * 256u + local;
  for (var w = start; w < min(start + 256u, params.words); w += 64u) {
    images[n * params.words + w] = shard[image * params.words + w];
  }
}
