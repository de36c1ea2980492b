// partial[p, r] = (mean of d, Σ (d − mean)²) over the columns p, p + parts, … of row r, d = x[r, c] − x[r, 0]: rows far
// from zero lose no digits. x [rows, columns] of `Stored`, f32 or f16. One invocation: one part of one row, read twice.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.parts;
  if (row >= params.rows) { return; }
  let part = i % params.parts;
  let start = row * params.columns;
  let end = start + params.columns;
  let origin = f32(x[start]);
  var sum = 0.0;
  for (var at = start + part; at < end; at += params.parts) { sum += f32(x[at]) - origin; }
  let mean = sum / f32((params.columns - part + params.parts - 1u) / params.parts);
  var squares = 0.0;
  for (var at = start + part; at < end; at += params.parts) {
    let d = f32(x[at]) - origin - mean;
    squares += d * d;
  }
  partial[part * params.rows + row] = vec2(mean, squares);
}
