// Lays y [rows, columns] out for the other kernels: packed[q, r] = y[r, 4q .. 4q + 3], so that one load gives four terms of a dot
// product and neighbouring lanes load neighbouring rows. Zeros stand behind the last column and, up to `stride` rows, behind the
// last row. One invocation: one vector of four.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, stride: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let row = i % params.stride;
  let first = i / params.stride * 4u;
  var four = vec4<f32>();
  if (row < params.rows) {
    for (var j = 0u; j < min(4u, params.columns - first); j++) { four[j] = y[row * params.columns + first + j]; }
  }
  packed[i] = four;
}
