// p[i, j] = p[j, i] = (c[i, j] + c[j, i]) / 2·rows, in place: p holds c. One invocation: the pair i ≤ j.
// #include "lib/grid.wgsl"

struct Params { rows: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let at = flat_index(group, groups, local, 64u);
  if (at >= params.size) { return; }
  let i = at / params.rows;
  let j = at % params.rows;
  if (i > j) { return; }
  let other = j * params.rows + i;
  let value = (p[at] + p[other]) / (2.0 * f32(params.rows));
  p[at] = value;
  p[other] = value;
}
