// Sets first_non_finite to the number of this step if it is 0 and the loss or an element of the gradients [size] is NaN or
// infinite: the exponent's bits are all set (a float comparison may be optimised away). All who store store the same number.
// One invocation: four quads, 64 apart. One workgroup: 256 quads.
// #include "lib/grid.wgsl"

struct Params { quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> loss: array<u32>;
@group(0) @binding(3) var<storage, read> step: array<u32>;
@group(0) @binding(4) var<storage, read_write> first_non_finite: array<atomic<u32>>;

const exponent = 0x7f800000u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let first = flat_index(group, groups, 0u, 256u);
  var bad = (loss[0] & exponent) == exponent;
  for (var quad = 0u; quad < 4u; quad++) {
    let i = first + quad * 64u + local;
    if (i < params.quads) { bad = bad || any((gradients[i] & vec4(exponent)) == vec4(exponent)); }
  }
  if (bad && atomicLoad(&first_non_finite[0]) == 0u) { atomicStore(&first_non_finite[0], step[0]); }
}
