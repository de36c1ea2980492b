// dx[r, 4q + j] = dloss / (queries · temperature) · Σ_slice partial[slice, q, r][j].
// One invocation: up to four neighbours of one row.
// #include "lib/grid.wgsl"

struct Params { rows: u32, dimensions: u32, stride: u32, slices: u32, queries: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dloss: array<f32>;
@group(0) @binding(3) var<storage, read> temperature: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  let quads = (params.dimensions + 3u) / 4u;
  if (i >= params.rows * quads) { return; }
  let row = i % params.rows;
  let quad = i / params.rows;
  let first = quad * 4u;
  var sum = vec4<f32>();
  let next = quads * params.stride;
  var at = quad * params.stride + row;
  var slice = 0u;
  // Four at a time are loaded before they are added: a GPU has too few elements to hide the way of each by other work.
  for (; slice + 4u <= params.slices; slice += 4u) {
    let a = partial[at];
    let b = partial[at + next];
    let c = partial[at + 2u * next];
    let d = partial[at + 3u * next];
    sum = sum + a + b + c + d;
    at += 4u * next;
  }
  for (; slice < params.slices; slice++) {
    sum += partial[at];
    at += next;
  }
  sum *= dloss[0] / (f32(params.queries) * temperature[0]);
  for (var j = 0u; j < min(4u, params.dimensions - first); j++) { dx[row * params.dimensions + first + j] = sum[j]; }
}
