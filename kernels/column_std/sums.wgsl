// partial[p, c] = (Σ d, Σ d²), d = x[r, c] − x[0, c], over the rows p·part ≤ r < (p + 1)·part of x [rows, columns], in that order.
// Deviations are taken from the first row, so that columns whose values are nearly equal lose no digits.
// One invocation: one element of partial. Neighbouring lanes read neighbouring columns.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, part: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let column = i % params.columns;
  let first = i / params.columns * params.part;
  let origin = x[column];
  var sums = vec2<f32>();
  for (var row = first; row < min(first + params.part, params.rows); row++) {
    let d = x[row * params.columns + column] - origin;
    sums += vec2(d, d * d);
  }
  partial[i] = sums;
}
