// y = rows first … first + rows − 1 of each part of x, the parts one after another:
//   x [parts · part_rows, columns], first [1] → y [parts · rows, columns],  y[p, i] = x[p, first + i]
// Rows past the end of a part are read as zeros. One invocation: one element of y.
// #include "lib/grid.wgsl"

struct Params { part_rows: u32, rows: u32, columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let row = i / params.columns;
  let at = first[0] + row % params.rows;
  let source = (row / params.rows * params.part_rows + at) * params.columns + i % params.columns;
  if (at < params.part_rows) { y[i] = x[source]; } else { y[i] = 0.0; }
}
