// Random numbers by counters: the bits of (key, draw) are a hash, so that nothing depends on the order in which they are drawn.
fn lowbias32(value: u32) -> u32 {
  var x = value;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

// Mixes one more counter into a key.
fn mix_counter(key: u32, counter: u32) -> u32 { return lowbias32((key ^ counter) + 0x9e3779b9u); }

// Uniform in [0, 1), a multiple of 2⁻²⁴.
fn uniform01(key: u32, draw: u32) -> f32 { return f32(mix_counter(key, draw) >> 8u) * 0x1p-24; }

fn uniform_between(key: u32, draw: u32, low: f32, high: f32) -> f32 { return low + uniform01(key, draw) * (high - low); }

// Uniform among 0 … n − 1, n below 65,536: the upper word of bits · n.
fn uniform_below(key: u32, draw: u32, n: u32) -> u32 {
  let bits = mix_counter(key, draw);
  return ((bits >> 16u) * n + (((bits & 0xffffu) * n) >> 16u)) >> 16u;
}
