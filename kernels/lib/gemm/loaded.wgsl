// A block on its way from memory (`Value`: vec4 of f32 or f16) to the tile. What lies outside is put to zero only when the block is
// put away, behind the products of the present step: a value that is looked at before would have to have arrived.
struct Loaded {
  a: Value,
  b: Value,
  c: Value,
  d: Value,
  inside: vec4<bool>,
}

fn matrix_of(loaded: Loaded) -> mat4x4<f32> {
  return mat4x4<f32>(
    select(vec4<f32>(), vec4<f32>(loaded.a), loaded.inside.x),
    select(vec4<f32>(), vec4<f32>(loaded.b), loaded.inside.y),
    select(vec4<f32>(), vec4<f32>(loaded.c), loaded.inside.z),
    select(vec4<f32>(), vec4<f32>(loaded.d), loaded.inside.w),
  );
}
