// y_i = Σ_j p_ij v_j with p_ij = exp(scale q_i·k_j − lse_i), lse_i = log Σ_j exp(scale q_i·k_j): attention without a stored matrix of all
// pairs, by a running maximum (Milakov and Gimelshein, 2018). One invocation: four queries, all keys.
// #include "lib/attention/interface.wgsl"
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Stored>>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let quads = select(params.quads, fixed_quads, fixed_quads > 0u);
  let blocks = (params.queries + 3u) / 4u;
  let matrix = i / blocks;
  if (matrix >= params.batch) { return; }
  let places = i % blocks * 4u + next;
  let rows = matrix * params.queries + min(places, vec4(params.queries - 1u));
  var query: array<mat4x4<f32>, most_quads>;
  var sums: array<mat4x4<f32>, most_quads>;
  for (var c = 0u; c < quads; c++) { query[c] = params.scale * four_of_q(rows * quads + c); }
  var largest = vec4<f32>(lowest);
  var total = vec4<f32>();
  let end = select(params.keys, min(places.w + 1u, params.keys), causal);
  for (var j = 0u; j < end; j++) {
    let at = (matrix * params.keys + j) * quads;
    var scores = vec4<f32>();
    for (var c = 0u; c < quads; c++) { scores += products(vec4<f32>(k[at + c]), query[c]); }
    if (causal) { scores = select(vec4(lowest), scores, vec4(j) <= places); }
    let most = max(largest, scores);
    let before = exp(largest - most);
    let p = exp(scores - most);
    total = total * before + p;
    largest = most;
    for (var c = 0u; c < quads; c++) {
      let value = vec4<f32>(v[at + c]);
      let sum = sums[c];
      sums[c] = mat4x4<f32>(
        sum[0] * before.x + value * p.x, sum[1] * before.y + value * p.y,
        sum[2] * before.z + value * p.z, sum[3] * before.w + value * p.w,
      );
    }
  }
  let logs = largest + log(total);
  for (var r = 0u; r < 4u && places[r] < params.queries; r++) {
    lse[rows[r]] = logs[r];
    for (var c = 0u; c < quads; c++) { y[rows[r] * quads + c] = vec4<Stored>(sums[c][r] / total[r]); }
  }
}
