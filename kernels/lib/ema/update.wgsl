// target += rate (source − target) over flat buffers, in place: a moving average with momentum 1 − rate. With a rate of 1 the target
// is the source to the last bit. Nothing is done where `made` is 0. Whoever includes this has keep_copy(). One invocation: four elements.
// #include "lib/grid.wgsl"

struct Params { quads: u32, first: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> target_weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> source_weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> rate: array<f32>;
@group(0) @binding(4) var<storage, read> made: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.quads || made[0] == 0u) { return; }
  let source = source_weights[params.first + i];
  let average = target_weights[i];
  let next = select(average + rate[0] * (source - average), source, rate[0] == 1.0);
  target_weights[i] = next;
  keep_copy(i, next);
}
