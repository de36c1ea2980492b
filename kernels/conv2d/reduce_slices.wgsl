// Sum of the slices that backward_weight.wgsl wrote: dw[j] = Σ_s partials[s][j], s ascending (deterministic).
//
//   partials [slices, length]   length a multiple of 4
//   dw       [length]
//
// Thread: 4 neighbouring elements. Workgroup: 256 of them.
//
// Grid: groups = ceil(length / 256); dispatch(min(groups, 65535), ceil(groups / min(groups, 65535)), 1)

struct Params {
  length: u32,
  slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let quads = params.length / 4u;
  let quad = (workgroup.x + workgroup.y * workgroups.x) * 64u + thread;
  if (quad >= quads) {
    return;
  }
  var sum = vec4<f32>();
  for (var slice = 0u; slice < params.slices; slice++) {
    sum += partials[slice * quads + quad];
  }
  dw[quad] = sum;
}
