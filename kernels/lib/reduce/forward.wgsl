// The sum or the maximum along the axis of x [outer, axis, inner], in parts: y [outer, parts, inner], launched until one part is left.
// Part p has the elements p·part … of the axis in that order or, where inner is 1, every parts-th element from p on: neighbouring
// lanes so read neighbouring elements in both cases. One invocation: one element of y. What it finds is scaled (1 is exact).
// `Source` and `Target` are f32 or f16, arithmetic is f32.
// #include "lib/grid.wgsl"

override is_max: bool = false;

struct Params { axis: u32, inner: u32, part: u32, parts: u32, size: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Source>;
@group(0) @binding(2) var<storage, read_write> y: array<Target>;

// NaN wins, as in PyTorch.
fn larger(a: f32, b: f32) -> f32 { return select(b, a, a > b || a != a); }

fn join(a: f32, b: f32) -> f32 {
  if (is_max) { return larger(a, b); }
  return a + b;
}

// Four elements that lie `step` apart.
fn four(at: u32, step: u32) -> vec4<f32> {
  return vec4(f32(x[at]), f32(x[at + step]), f32(x[at + 2u * step]), f32(x[at + 3u * step]));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let inner = params.inner;
  let p = i / inner % params.parts;
  let spread = inner == 1u;
  let first = select(p * params.part, p, spread);
  let count = select(min(params.part, params.axis - first), (params.axis - p + params.parts - 1u) / params.parts, spread);
  let step = select(inner, params.parts, spread);
  var at = (i / inner / params.parts * params.axis + first) * inner + i % inner;
  var value = 0.0;
  if (is_max) { value = f32(x[at]); }
  var k = 0u;
  // Eight at a time are loaded before they are joined: a GPU has too few columns to hide the way of each by other work.
  for (; k + 8u <= count; k += 8u) {
    let low = four(at, step);
    at += 4u * step;
    let high = four(at, step);
    at += 4u * step;
    value = join(join(join(join(value, low.x), low.y), low.z), low.w);
    value = join(join(join(join(value, high.x), high.y), high.z), high.w);
  }
  for (; k < count; k++) {
    value = join(value, f32(x[at]));
    at += step;
  }
  y[i] = Target(value * params.scale);
}
