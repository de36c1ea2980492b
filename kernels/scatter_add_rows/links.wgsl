// The indices [count] as lists, one for each target row: links[r] is the first m with indices[m] = r, and links[rows +
// m] the next one after m with the same index; `count` where there is none. links [rows + count]. One invocation: one
// link.
// #include "lib/grid.wgsl"

struct Params { rows: u32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.rows + params.count) { return; }
  var wanted = i;
  var m = 0u;
  if (i >= params.rows) {
    wanted = indices[i - params.rows];
    m = i - params.rows + 1u;
  }
  for (; m < params.count; m++) {
    if (indices[m] == wanted) { break; }
  }
  links[i] = m;
}
