// The most multiply-adds that the device can do: chains s = s·factor + term of f32 in registers, no memory but for one store that
// keeps them alive. Twelve independent chains an invocation, two times the latency of common units. One invocation: 96 · rounds
// multiply-adds. `fused` takes fma(), which software may emulate; otherwise a product and a sum, which compilers may fuse.
// #include "lib/grid.wgsl"

override fused = true;

struct Params { size: u32, rounds: u32, factor: f32, term: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn once(s: vec4<f32>, factor: vec4<f32>, term: vec4<f32>) -> vec4<f32> {
  if (fused) { return fma(s, factor, term); }
  return s * factor + term;
}

fn eight_times(s: vec4<f32>, factor: vec4<f32>, term: vec4<f32>) -> vec4<f32> {
  let two = once(once(s, factor, term), factor, term);
  let four = once(once(two, factor, term), factor, term);
  let six = once(once(four, factor, term), factor, term);
  return once(once(six, factor, term), factor, term);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let factor = vec4(params.factor);
  let term = vec4(params.term);
  var a = vec4(f32(i), 1.0, 2.0, 3.0);
  var b = a + 4.0;
  var c = a + 8.0;
  for (var round = 0u; round < params.rounds; round++) {
    a = eight_times(a, factor, term);
    b = eight_times(b, factor, term);
    c = eight_times(c, factor, term);
  }
  let sum = a + b + c;
  y[i] = sum.x + sum.y + sum.z + sum.w;
}
