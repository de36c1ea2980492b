// dv_j = Σ_i p_ij dy_i and dk_j = scale Σ_i ds_ij q_i, as in backward_queries.wgsl, which made delta. One invocation: four keys, all
// queries.
// #include "lib/attention/interface.wgsl"
@group(0) @binding(4) var<storage, read> dy: array<vec4<Stored>>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<vec4<Stored>>;
@group(0) @binding(8) var<storage, read_write> dv: array<vec4<Stored>>;

fn four_of_k(at: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(vec4<f32>(k[at.x]), vec4<f32>(k[at.y]), vec4<f32>(k[at.z]), vec4<f32>(k[at.w]));
}
fn four_of_v(at: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(vec4<f32>(v[at.x]), vec4<f32>(v[at.y]), vec4<f32>(v[at.z]), vec4<f32>(v[at.w]));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let quads = select(params.quads, fixed_quads, fixed_quads > 0u);
  let blocks = (params.keys + 3u) / 4u;
  let matrix = i / blocks;
  if (matrix >= params.batch) { return; }
  let places = i % blocks * 4u + next;
  let rows = matrix * params.keys + min(places, vec4(params.keys - 1u));
  var key: array<mat4x4<f32>, most_quads>;
  var value: array<mat4x4<f32>, most_quads>;
  var of_key: array<mat4x4<f32>, most_quads>;
  var of_value: array<mat4x4<f32>, most_quads>;
  for (var c = 0u; c < quads; c++) {
    key[c] = params.scale * four_of_k(rows * quads + c);
    value[c] = four_of_v(rows * quads + c);
  }
  for (var j = select(0u, places.x, causal); j < params.queries; j++) {
    let row = matrix * params.queries + j;
    let at = row * quads;
    var scores = vec4<f32>();
    var dp = vec4<f32>();
    for (var c = 0u; c < quads; c++) {
      scores += products(vec4<f32>(q[at + c]), key[c]);
      dp += products(vec4<f32>(dy[at + c]), value[c]);
    }
    if (causal) { scores = select(vec4(lowest), scores, places <= vec4(j)); }
    let p = exp(scores - lse[row]);
    let ds = params.scale * p * (dp - delta[row]);
    for (var c = 0u; c < quads; c++) {
      of_key[c] += outer(vec4<f32>(q[at + c]), ds);
      of_value[c] += outer(vec4<f32>(dy[at + c]), p);
    }
  }
  for (var r = 0u; r < 4u && places[r] < params.keys; r++) {
    for (var c = 0u; c < quads; c++) {
      dk[rows[r] * quads + c] = vec4<Stored>(of_key[c][r]);
      dv[rows[r] * quads + c] = vec4<Stored>(of_value[c][r]);
    }
  }
}
