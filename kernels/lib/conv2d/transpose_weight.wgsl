// Weights for the input gradient: wt[i,ky,kx,o] = w[o,ky,kx,i].
//
//   w  [out_channels, taps, channels]   taps = kernel_height · kernel_width
//   wt [channels, taps, out_channels]
//   channels and out_channels are multiples of 4. `Element` is f32 or f16, `Value` four of them.
//
// Thread: a 4 × 4 block of one tap. Workgroup: 64 blocks; neighbours lie along out_channels, so that wt is written in rows.
//
// Grid: groups = ceil((channels / 4) · taps · (out_channels / 4) / 64)
//       dispatch(min(groups, 65535), ceil(groups / min(groups, 65535)), 1)

struct Params {
  channels: u32,
  out_channels: u32,
  kernel_height: u32,
  kernel_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<Value>;
@group(0) @binding(2) var<storage, read_write> wt: array<Value>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let taps = params.kernel_height * params.kernel_width;
  let quads = params.channels / 4u;
  let out_quads = params.out_channels / 4u;
  let block = (workgroup.x + workgroup.y * workgroups.x) * 64u + thread;
  if (block >= quads * taps * out_quads) {
    return;
  }
  let out_quad = block % out_quads;
  let tap = block / out_quads % taps;
  let quad = block / (out_quads * taps);

  let source = (out_quad * 4u * taps + tap) * quads + quad;
  let source_step = taps * quads;
  let m = transpose(mat4x4<Element>(w[source], w[source + source_step], w[source + 2u * source_step], w[source + 3u * source_step]));

  let result = (quad * 4u * taps + tap) * out_quads + out_quad;
  let result_step = taps * out_quads;
  wt[result] = m[0];
  wt[result + result_step] = m[1];
  wt[result + 2u * result_step] = m[2];
  wt[result + 3u * result_step] = m[3];
}
