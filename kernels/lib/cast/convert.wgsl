// y = x in another type, element by element: from f16 exact, to f16 rounded to the nearest (beyond 65,504 infinite).
// `From` and `To` are f32 and f16, one way or the other, or u32 and f32. One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<From>;
@group(0) @binding(2) var<storage, read_write> y: array<To>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  y[i] = To(x[i]);
}
