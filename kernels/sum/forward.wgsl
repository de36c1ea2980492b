// y[p, c] = Σ x[r, c] over the rows p·part ≤ r < (p + 1)·part of x [rows, columns], in that order: launched until one row is left.
// One invocation: one element of y. Neighbouring lanes read neighbouring columns.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, part: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let columns = params.columns;
  let first = i / columns * params.part;
  let count = min(params.part, params.rows - first);
  var at = first * columns + i % columns;
  var sum = 0.0;
  var r = 0u;
  // Eight at a time are loaded before they are added: a GPU has too few columns to hide the way of each by other work.
  for (; r + 8u <= count; r += 8u) {
    let low = vec4(x[at], x[at + columns], x[at + 2u * columns], x[at + 3u * columns]);
    at += 4u * columns;
    let high = vec4(x[at], x[at + columns], x[at + 2u * columns], x[at + 3u * columns]);
    at += 4u * columns;
    sum = sum + low.x + low.y + low.z + low.w + high.x + high.y + high.z + high.w;
  }
  for (; r < count; r++) {
    sum += x[at];
    at += columns;
  }
  y[i] = sum;
}
