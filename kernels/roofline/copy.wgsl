// The most bytes that the device can move: y = x, both [4 · quads]. One invocation: `each` quads in a row. GPUs want 1, so that
// neighbouring invocations touch neighbouring memory; software walks along memory itself and wants many.
// #include "lib/grid.wgsl"

override each = 1u;

struct Params { quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let first = flat_index(group, groups, local, 64u) * each;
  for (var i = first; i < min(first + each, params.quads); i++) { y[i] = x[i]; }
}
