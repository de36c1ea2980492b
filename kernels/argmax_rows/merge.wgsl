// y[r] = the column of the largest of a row's parts, of equal ones the lowest: values, columns [parts, rows]. One
// invocation: one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  var largest = values[row];
  var found = columns[row];
  for (var at = row + params.rows; at < params.parts * params.rows; at += params.rows) {
    let value = values[at];
    if (value > largest || (value == largest && columns[at] < found)) {
      largest = value;
      found = columns[at];
    }
  }
  y[row] = found;
}
