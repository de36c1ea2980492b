// For each point i of y [rows, 2], over one slice of the others j, with n_ij = 1 / (1 + ‖y_i − y_j‖²):
//   forces[slice, i] = (Σ p_ij n_ij (y_i − y_j), Σ n_ij² (y_i − y_j)): what draws i to j, and what drives it away
//   sums[slice, i]   = (Σ n_ij, Σ p_ij log(p_ij / n_ij)): for the normaliser Z, and for the loss
//
// One invocation: one point × one slice, `slice` points long. p is symmetric and read along its columns, so that neighbouring lanes
// load neighbours.
// #include "lib/grid.wgsl"

struct Params { rows: u32, slice: u32, slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> forces: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> sums: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let index = flat_index(group, groups, local, 64u);
  let slice = index / params.rows;
  if (slice >= params.slices) { return; }
  let i = index % params.rows;
  let here = y[i];
  var force = vec4<f32>();
  var sum = vec2<f32>();
  let start = slice * params.slice;
  for (var j = start; j < min(start + params.slice, params.rows); j++) {
    let away = here - y[j];
    let n = select(1.0 / (1.0 + dot(away, away)), 0.0, i == j);
    let affinity = p[j * params.rows + i];
    force += vec4(affinity * n * away, n * n * away);
    // p log(p / n) is 0 at p = 0; the smallest numbers keep both logarithms finite.
    sum += vec2(n, select(0.0, affinity * log(affinity / max(n, 1e-37)), affinity > 1e-37));
  }
  forces[index] = force;
  sums[index] = sum;
}
