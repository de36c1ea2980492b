// y = f(x), element by element; f is the member that is set. One invocation: one element.
// `Stored` is f32 or f16, arithmetic is f32. `slope` is of leaky_relu alone.
// #include "lib/grid.wgsl"
// #include "lib/elementwise/functions.wgsl"

override is_exp: bool = false;
override is_log: bool = false;
override is_sqrt: bool = false;
override is_abs: bool = false;
override is_square: bool = false;
override is_neg: bool = false;
override is_gelu: bool = false;
override is_sigmoid: bool = false;
override is_tanh: bool = false;
override is_leaky_relu: bool = false;
override is_softplus: bool = false;

struct Params { size: u32, slope: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

fn member(x: f32) -> f32 {
  if (is_exp) { return exp(x); }
  if (is_log) { return log(x); }
  if (is_sqrt) { return sqrt(x); }
  if (is_abs) { return abs(x); }
  if (is_square) { return x * x; }
  if (is_neg) { return -x; }
  if (is_gelu) { return x * normal_cdf(x); }
  if (is_sigmoid) { return logistic(x); }
  if (is_tanh) { return hyperbolic_tangent(x); }
  if (is_leaky_relu) { return select(x, params.slope * x, x < 0.0); }
  return max(x, 0.0) + log_one_plus(exp(-abs(x))); // softplus
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  y[i] = Stored(member(f32(x[i])));
}
