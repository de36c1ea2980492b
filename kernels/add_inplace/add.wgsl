// total = x where position is 0, else total + x; both [size], a multiple of 4. What total held before a sum begins does not
// matter, not even NaN. One invocation: four elements.
// #include "lib/grid.wgsl"

struct Params { quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> position: array<u32>;
@group(0) @binding(3) var<storage, read_write> total: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.quads) { return; }
  if (position[0] == 0u) { total[i] = x[i]; } else { total[i] += x[i]; }
}
