// Lays x [rows, dimensions] out for the other kernels, from column `first` of packed [quads, stride] on: packed[q, first + r] =
// x[r, 4q .. 4q + 3], so that one load gives four terms of a dot product and neighbouring lanes load neighbouring rows. Zeros stand
// behind the last dimension and, up to `span` columns, behind the last row. One invocation: one vector of four.
// #include "lib/grid.wgsl"

struct Params { rows: u32, dimensions: u32, first: u32, span: u32, stride: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let row = i % params.span;
  let quad = i / params.span;
  var four = vec4<f32>();
  if (row < params.rows) {
    let at = row * params.dimensions + quad * 4u;
    for (var j = 0u; j < min(4u, params.dimensions - quad * 4u); j++) { four[j] = x[at + j]; }
  }
  packed[quad * params.stride + params.first + row] = four;
}
