// loss[0], accuracy[0] = means of stats[r] = (loss, 1 or 0 for right or wrong) over the rows. One workgroup of 64 invocations does all.
// #include "lib/sum64.wgsl"

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> accuracy: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec2<f32>();
  for (var row = local; row < params.rows; row += 64u) { sum += stats[row]; }
  let mean = sum64(sum, local) / f32(params.rows);
  if (local == 0u) {
    loss[0] = mean.x;
    accuracy[0] = mean.y;
  }
}
