// Reduces eight columns at once, each over 32 lanes: a workgroup has 256 invocations, invocation i is lane i / 8 of column i % 8.
// Whoever includes this defines `combine(a, b)`. The result of column i is what invocation i < 8 gets; the tree is the same
// in every run.
var<workgroup> tree: array<vec3<f32>, 256>;

fn reduce_columns(local: u32, value: vec3<f32>) -> vec3<f32> {
  tree[local] = value;
  for (var half = 128u; half >= 8u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { tree[local] = combine(tree[local], tree[local + half]); }
  }
  return tree[local];
}
