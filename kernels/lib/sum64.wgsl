// Sum of a pair of numbers over a workgroup of 64 invocations by a tree, the same tree every time. The result is in invocation 0.
// All 64 must call it, once a kernel.
var<workgroup> sum64_memory: array<vec2<f32>, 64>;

fn sum64(value: vec2<f32>, local: u32) -> vec2<f32> {
  sum64_memory[local] = value;
  for (var half = 32u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (local < half) { sum64_memory[local] += sum64_memory[local + half]; }
  }
  return sum64_memory[local];
}
