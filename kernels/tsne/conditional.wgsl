// c[i, j] = exp(−β_i δ_ij) / Σ_k≠i exp(−β_i δ_ik), c[i, i] = 0, with δ_ij = d[i, j] − min_k≠i d[i, k] (the same quotient, and no
// underflow) and β_i so that the entropy of the row, H = log Σ exp(−β δ) + β Σ c δ, is `entropy` = log of the perplexity.
//
// β is found by bisection: H falls as β rises; doubled or halved until the root is enclosed, then the interval is halved. A row that
// has more equal nearest neighbours than the perplexity has no root: β ends where only those count.
//
// One invocation: one row. d is symmetric, so that it is read, and c written, along the columns: neighbouring lanes are neighbours
// in memory. What is written is the transpose of c: symmetrize.wgsl adds both halves.
// #include "lib/grid.wgsl"

struct Params { rows: u32, entropy: f32, steps: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

// exp underflows to zero long before this.
const most = 100.0;

// Σ_j≠i exp(−β δ) and Σ_j≠i δ exp(−β δ), in four parts each, so that the sums are short.
fn sums(row: u32, beta: f32, nearest: f32) -> vec2<f32> {
  var weight = vec4<f32>();
  var moment = vec4<f32>();
  for (var first = 0u; first < params.rows; first += 4u) {
    let j = first + vec4(0u, 1u, 2u, 3u);
    let at = min(j, vec4(params.rows - 1u)) * params.rows + row;
    let delta = vec4(d[at.x], d[at.y], d[at.z], d[at.w]) - nearest;
    let kept = (j < vec4(params.rows)) & (j != vec4(row));
    let w = select(vec4<f32>(), exp(-min(beta * delta, vec4(most))), kept);
    weight += w;
    moment += w * delta;
  }
  return vec2((weight.x + weight.y) + (weight.z + weight.w), (moment.x + moment.y) + (moment.z + moment.w));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let row = flat_index(group, groups, local, 64u);
  if (row >= params.rows) { return; }
  var nearest = 3e38;
  for (var j = 0u; j < params.rows; j++) {
    if (j != row) { nearest = min(nearest, d[j * params.rows + row]); }
  }
  var beta = 1.0;
  var low = 0.0;
  var high = -1.0;
  for (var step = 0u; step < params.steps; step++) {
    let s = sums(row, beta, nearest);
    let entropy = log(s.x) + beta * s.y / s.x;
    if (entropy > params.entropy) { low = beta; } else { high = beta; }
    if (high < 0.0) { beta = min(2.0 * beta, 1e30); } else { beta = 0.5 * (low + high); }
  }
  let total = sums(row, beta, nearest).x;
  for (var j = 0u; j < params.rows; j++) {
    let weight = exp(-min(beta * (d[j * params.rows + row] - nearest), most)) / total;
    c[j * params.rows + row] = select(weight, 0.0, j == row);
  }
}
