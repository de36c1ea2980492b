// sums[p, r] = Σ dy y, for the logarithm Σ dy, over the columns p, p + parts, … of row r: dy, y [rows, columns] of
// `Stored`, f32 or f16. One invocation: one part of one row.
// #include "lib/grid.wgsl"

override logarithm: bool = false;

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Stored>;
@group(0) @binding(2) var<storage, read> y: array<Stored>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.parts;
  if (row >= params.rows) { return; }
  let part = i % params.parts;
  let end = (row + 1u) * params.columns;
  var sum = 0.0;
  for (var at = row * params.columns + part; at < end; at += params.parts) {
    sum += f32(dy[at]) * select(f32(y[at]), 1.0, logarithm);
  }
  sums[part * params.rows + row] = sum;
}
