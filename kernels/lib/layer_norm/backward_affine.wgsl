// dweight[p, c] = Σ dy x̂ and dbias[p, c] = Σ dy over the rows p·part ≤ r < (p + 1)·part of x, dy [rows, columns] of
// `Stored`, f32 or f16. One invocation: one column of one part. Neighbouring lanes read neighbouring columns.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, part: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> dy: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(5) var<storage, read_write> dbias: array<f32>;
// #include "lib/layer_norm/normalised.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let column = i % params.columns;
  let first = i / params.columns * params.part;
  var sums = vec2<f32>();
  for (var row = first; row < min(first + params.part, params.rows); row++) {
    sums += f32(dy[row * params.columns + column]) * vec2(normalised(row, column), 1.0);
  }
  dweight[i] = sums.x;
  dbias[i] = sums.y;
}
