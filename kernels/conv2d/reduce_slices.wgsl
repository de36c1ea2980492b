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
  // Four at a time are loaded before they are added: a GPU has too few elements to hide the way of each by other work.
  var sum = vec4<f32>();
  var at = quad;
  if ((params.slices & 1u) != 0u) {
    sum += partials[at];
    at += quads;
  }
  if ((params.slices & 2u) != 0u) {
    sum = sum + partials[at] + partials[at + quads];
    at += 2u * quads;
  }
  for (; at < params.slices * quads; at += 4u * quads) {
    let a = partials[at];
    let b = partials[at + quads];
    let c = partials[at + 2u * quads];
    let d = partials[at + 3u * quads];
    sum = sum + a + b + c + d;
  }
  dw[quad] = sum;
}
