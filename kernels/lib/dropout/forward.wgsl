// y = x scale where an element is kept, else 0, element by element: kept are those whose uniform number is p or more.
// The number is a hash of (seeds, salt, element), so that the gradient makes the same mask again. `Stored` is f32 or
// f16. One invocation: one element.
// #include "lib/grid.wgsl"
// #include "lib/random.wgsl"

struct Params { size: u32, seeds: u32, salt: u32, p: f32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> seeds: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  var key = mix_counter(0u, params.salt);
  for (var s = 0u; s < params.seeds; s++) { key = mix_counter(key, seeds[s]); }
  y[i] = Stored(select(0.0, f32(x[i]) * params.scale, uniform01(key, i) >= params.p));
}
