// y = numbers of N(0, 1), by Box and Muller's transform of two uniform numbers each, which are a hash of (seeds, salt, element).
// The angle is from −π to π, where WGSL promises cos() to 2⁻¹¹. One invocation: one element.
// #include "lib/grid.wgsl"
// #include "lib/random.wgsl"

struct Params { size: u32, seeds: u32, salt: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> seeds: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  var key = mix_counter(0u, params.salt);
  for (var s = 0u; s < params.seeds; s++) { key = mix_counter(key, seeds[s]); }
  // log(1) may come out a little above 0.
  let squared = max(0.0, -2.0 * log(1.0 - uniform01(key, 2u * i)));
  y[i] = sqrt(squared) * cos(6.2831853 * uniform01(key, 2u * i + 1u) - 3.1415927);
}
