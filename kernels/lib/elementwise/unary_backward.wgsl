// dx = dy · f′, element by element; f is the member that is set. `saved` is x or, where f′ is simpler in it, y = f(x).
// One invocation: one element. `Stored` is f32 or f16, arithmetic is f32. `slope` is of leaky_relu alone.
// #include "lib/grid.wgsl"
// #include "lib/elementwise/functions.wgsl"

override is_exp: bool = false;
override is_log: bool = false;
override is_sqrt: bool = false;
override is_abs: bool = false;
override is_square: bool = false;
override is_gelu: bool = false;
override is_sigmoid: bool = false;
override is_tanh: bool = false;
override is_leaky_relu: bool = false;
override is_softplus: bool = false;

struct Params { size: u32, slope: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Stored>;
@group(0) @binding(2) var<storage, read> saved: array<Stored>;
@group(0) @binding(3) var<storage, read_write> dx: array<Stored>;

// dy · f′.
fn product(dy: f32, v: f32) -> f32 {
  if (is_exp) { return dy * v; } // of y
  if (is_log) { return dy / v; }
  if (is_sqrt) { return dy / (2.0 * v); } // of y
  if (is_abs) { return dy * sign(v); }
  if (is_square) { return dy * 2.0 * v; }
  if (is_gelu) { return dy * (normal_cdf(v) + v * normal_density(v)); }
  if (is_sigmoid) { return dy * v * (1.0 - v); } // of y
  if (is_tanh) { return dy * (1.0 - v * v); } // of y
  if (is_leaky_relu) { return dy * select(params.slope, 1.0, v > 0.0); }
  return dy * logistic(v); // softplus
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  dx[i] = Stored(product(f32(dy[i]), f32(saved[i])));
}
