// dx[r, d] = (dy[r, d] − y[r, d] · dot[r]) / norm[r] with dot[r] = Σ_d y[r, d] · dy[r, d]; a row shorter than eps was divided by a
// constant, so there dx = dy / eps. One invocation: up to four neighbours of one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> norm: array<f32>;
@group(0) @binding(4) var<storage, read> dot_of_row: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let quad = flat_index(group, groups, local, 64u);
  let quads = (params.columns + 3u) / 4u;
  let row = quad / quads;
  if (row >= params.rows) { return; }
  let first = row * params.columns + quad % quads * 4u;
  let along = select(dot_of_row[row], 0.0, norm[row] < params.eps);
  let length = max(norm[row], params.eps);
  for (var i = first; i < min(first + 4u, (row + 1u) * params.columns); i++) {
    dx[i] = (dy[i] - y[i] * along) / length;
  }
}
