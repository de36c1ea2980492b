// y = f(a, b), element by element, of inputs that broadcast; f is the member that is set. One invocation: one element of y.
// y lies in row-major order of `rank` axes, axis 0 outermost: sizes n1 … n3, strides a0 … and b0 … in a and b, 0 where an input is
// broadcast. `Stored` is f32 or f16, arithmetic is f32.
// #include "lib/grid.wgsl"

override rank: u32 = 4u;
override is_add: bool = false;
override is_sub: bool = false;
override is_mul: bool = false;
override is_div: bool = false;
override is_minimum: bool = false;
override is_maximum: bool = false;
override is_eq: bool = false;
override is_heaviside: bool = false;

struct Params {
  size: u32,
  n1: u32, n2: u32, n3: u32,
  a0: u32, a1: u32, a2: u32, a3: u32,
  b0: u32, b1: u32, b2: u32, b3: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Stored>;
@group(0) @binding(2) var<storage, read> b: array<Stored>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

// Where element i of y has its operands in a and b. Axes that are not there cost nothing: rank is a constant of the pipeline.
fn places(i: u32) -> vec2<u32> {
  var rest = i;
  var at = vec2<u32>();
  if (rank > 3u) {
    at += rest % params.n3 * vec2(params.a3, params.b3);
    rest /= params.n3;
  }
  if (rank > 2u) {
    at += rest % params.n2 * vec2(params.a2, params.b2);
    rest /= params.n2;
  }
  if (rank > 1u) {
    at += rest % params.n1 * vec2(params.a1, params.b1);
    rest /= params.n1;
  }
  return at + rest * vec2(params.a0, params.b0);
}

// NaN is the minimum and the maximum of anything with it, as in PyTorch.
fn member(a: f32, b: f32) -> f32 {
  if (is_add) { return a + b; }
  if (is_sub) { return a - b; }
  if (is_mul) { return a * b; }
  if (is_div) { return a / b; }
  if (is_minimum) { return select(b, a, a < b || a != a); }
  if (is_maximum) { return select(b, a, a > b || a != a); }
  if (is_eq) { return select(0.0, 1.0, a == b); }
  return select(select(0.0, 0.5, a == b), 1.0, a > b); // heaviside
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let at = places(i);
  y[i] = Stored(member(f32(a[at.x]), f32(b[at.y])));
}
