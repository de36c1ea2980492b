// normalizer = Z and loss = KL from sums [count] of pairs (Σ n, Σ p log(p / n)): Z = Σ n, KL = Σ p log(p / n) + log Z, for Σ p = 1.
// One workgroup of 64 invocations does all.
// #include "lib/sum64.wgsl"

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> normalizer: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec2<f32>();
  for (var i = local; i < params.count; i += 64u) { sum += sums[i]; }
  let total = sum64(sum, local);
  if (local == 0u) {
    normalizer[0] = total.x;
    loss[0] = total.y + log(total.x);
  }
}
