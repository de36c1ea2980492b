// dq_i = scale Σ_j ds_ij k_j with ds_ij = p_ij (dy_i·v_j − delta_i), delta_i = dy_i·y_i, and p_ij once more from q, k and lse. One
// invocation: four queries, all keys. It leaves delta for the kernel of the keys.
// #include "lib/attention/interface.wgsl"
@group(0) @binding(4) var<storage, read> dy: array<vec4<Stored>>;
@group(0) @binding(5) var<storage, read> y: array<vec4<Stored>>;
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> dq: array<vec4<Stored>>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;

fn four_of_dy(at: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(vec4<f32>(dy[at.x]), vec4<f32>(dy[at.y]), vec4<f32>(dy[at.z]), vec4<f32>(dy[at.w]));
}

// Σ dy y of a vec4 of four rows.
fn dots(at: vec4<u32>, of_dy: mat4x4<f32>) -> vec4<f32> {
  return vec4(dot(of_dy[0], vec4<f32>(y[at.x])), dot(of_dy[1], vec4<f32>(y[at.y])),
              dot(of_dy[2], vec4<f32>(y[at.z])), dot(of_dy[3], vec4<f32>(y[at.w])));
}

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
  var of_dy: array<mat4x4<f32>, most_quads>;
  var sums: array<mat4x4<f32>, most_quads>;
  var deltas = vec4<f32>();
  for (var c = 0u; c < quads; c++) {
    query[c] = params.scale * four_of_q(rows * quads + c);
    of_dy[c] = four_of_dy(rows * quads + c);
    deltas += dots(rows * quads + c, of_dy[c]);
  }
  let logs = vec4(lse[rows.x], lse[rows.y], lse[rows.z], lse[rows.w]);
  let end = select(params.keys, min(places.w + 1u, params.keys), causal);
  for (var j = 0u; j < end; j++) {
    let at = (matrix * params.keys + j) * quads;
    var scores = vec4<f32>();
    var dp = vec4<f32>();
    for (var c = 0u; c < quads; c++) {
      scores += products(vec4<f32>(k[at + c]), query[c]);
      dp += products(vec4<f32>(v[at + c]), of_dy[c]);
    }
    if (causal) { scores = select(vec4(lowest), scores, vec4(j) <= places); }
    let ds = params.scale * exp(scores - logs) * (dp - deltas);
    for (var c = 0u; c < quads; c++) { sums[c] += outer(vec4<f32>(k[at + c]), ds); }
  }
  for (var r = 0u; r < 4u && places[r] < params.queries; r++) {
    delta[rows[r]] = deltas[r];
    for (var c = 0u; c < quads; c++) { dq[rows[r] * quads + c] = vec4<Stored>(sums[c][r]); }
  }
}
