// stats[r] = (mean − x[r, 0], 1/√(var + eps)) of a row from (mean, Σ (d − mean)²) of its parts: partial [parts, rows],
// part p of the columns p, p + parts, … One invocation: one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, parts: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>>;

fn count(part: u32) -> f32 { return f32((params.columns - part + params.parts - 1u) / params.parts); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  var sum = 0.0;
  for (var p = 0u; p < params.parts; p++) { sum += count(p) * partial[p * params.rows + row].x; }
  let mean = sum / f32(params.columns);
  var squares = 0.0;
  for (var p = 0u; p < params.parts; p++) {
    let part = partial[p * params.rows + row];
    let d = part.x - mean;
    squares += part.y + count(p) * d * d;
  }
  stats[row] = vec2(mean, inverseSqrt(squares / f32(params.columns) + params.eps));
}
