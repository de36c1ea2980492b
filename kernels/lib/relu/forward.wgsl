// y = max(x, 0), element by element. One invocation: one element. NaN passes through, as in PyTorch.
// `Stored` is f32 or f16.
// #include "lib/grid.wgsl"

struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let value = f32(x[i]);
  y[i] = Stored(select(value, 0.0, value < 0.0));
}
