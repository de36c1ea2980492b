// stats[p, r] = (m, Σ exp(x − m)), m the largest x, over the columns p, p + parts, … of row r of x [rows, columns]:
// neighbouring lanes read neighbouring columns. `Stored` is f32 or f16. One invocation: one part of one row.
// #include "lib/grid.wgsl"
// #include "lib/softmax/lowest.wgsl"

struct Params { rows: u32, columns: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let row = i / params.parts;
  if (row >= params.rows) { return; }
  let part = i % params.parts;
  let first = row * params.columns + part;
  let end = (row + 1u) * params.columns;
  var largest = lowest;
  for (var at = first; at < end; at += params.parts) { largest = max(largest, f32(x[at])); }
  var sum = 0.0;
  for (var at = first; at < end; at += params.parts) { sum += exp(f32(x[at]) - largest); }
  stats[part * params.rows + row] = vec2(largest, sum);
}
