// total = x where position is 0, else total + x, of `quads` times four elements from 4 · first on; both have multiples of 4. What total
// held before a sum begins does not matter, not even NaN. One invocation: four elements.
// #include "lib/grid.wgsl"

struct Params { first: u32, quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> position: array<u32>;
@group(0) @binding(3) var<storage, read_write> total: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let place = flat_index(group, groups, local, 64u);
  if (place >= params.quads) { return; }
  let i = params.first + place;
  if (position[0] == 0u) { total[i] = x[i]; } else { total[i] += x[i]; }
}
