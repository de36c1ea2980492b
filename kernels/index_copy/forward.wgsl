// Rows first … first + rows − 1 of each part of y = x, the parts one after another; the other rows of y keep their values:
//   x [parts · rows, columns], first [1] → y [parts · part_rows, columns],  y[p, first + i] = x[p, i]
// With `scattered`, `first` [rows] has a row of y for each row of x: y[first[i]] = x[i], and there is one part.
// Rows past the end of a part are left out, and all of them where `made` [1] is 0. One invocation: one element of x.
// #include "lib/grid.wgsl"

override scattered: bool = false;

struct Params { part_rows: u32, rows: u32, columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> made: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size || made[0] == 0u) { return; }
  let row = i / params.columns;
  var at = 0u;
  if (scattered) { at = first[row]; } else { at = first[0] + row % params.rows; }
  if (at >= params.part_rows) { return; }
  y[(row / params.rows * params.part_rows + at) * params.columns + i % params.columns] = x[i];
}
