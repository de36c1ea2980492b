// dot[r] = Σ_d a[r, d] · b[r, d] for a, b [rows, columns], or its square root: with a = b the norms of the rows.
// One invocation: one row, in four independent partial sums.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, root: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> dot_of_row: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  let end = (row + 1u) * params.columns;
  var at = row * params.columns;
  var sums = vec4<f32>();
  for (; at + 3u < end; at += 4u) {
    sums += vec4(a[at], a[at + 1u], a[at + 2u], a[at + 3u]) * vec4(b[at], b[at + 1u], b[at + 2u], b[at + 3u]);
  }
  for (; at < end; at++) { sums.x += a[at] * b[at]; }
  let sum = (sums.x + sums.y) + (sums.z + sums.w);
  dot_of_row[row] = select(sum, sqrt(sum), params.root == 1u);
}
