// stats[r] = (m, Σ exp(x − m)) of a row from those of its parts: partial [parts, rows] → stats [rows]. One invocation:
// one row.
// #include "lib/grid.wgsl"
// #include "lib/softmax/lowest.wgsl"

struct Params { rows: u32, parts: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  var largest = lowest;
  for (var p = 0u; p < params.parts; p++) { largest = max(largest, partial[p * params.rows + row].x); }
  var sum = 0.0;
  for (var p = 0u; p < params.parts; p++) {
    let part = partial[p * params.rows + row];
    sum += part.y * exp(part.x - largest);
  }
  stats[row] = vec2(largest, sum);
}
