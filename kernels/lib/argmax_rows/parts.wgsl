// The first of the largest values among the columns p, p + parts, … of row r of x [rows, columns] of `Stored`, f32 or
// f16: its value and column [parts, rows]. NaN is less than any number. One invocation: one part of one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> columns: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.parts;
  if (row >= params.rows) { return; }
  let part = i % params.parts;
  let start = row * params.columns;
  var largest = f32(x[start + part]);
  var found = part;
  for (var column = part + params.parts; column < params.columns; column += params.parts) {
    let value = f32(x[start + column]);
    if (value > largest || !(largest == largest)) {
      largest = value;
      found = column;
    }
  }
  values[part * params.rows + row] = largest;
  columns[part * params.rows + row] = found;
}
