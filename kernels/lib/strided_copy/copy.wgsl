// y[offset_y + Σ_k i_k y_k] = x[offset_x + Σ_k i_k x_k] for all i in a box of `rank` axes, axis 0 outermost: the sizes of the axes
// are n1 … n5, the strides along them x0 … and y0 …, of any sign. The rest of y keeps its values. One invocation: one element of
// the box. `Stored` has the bits of what is copied: u32 for any type of 32 bits, or f16.
// #include "lib/grid.wgsl"

override rank: u32 = 6u;

struct Params {
  size: u32,
  n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  offset_x: i32, x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32,
  offset_y: i32, y0: i32, y1: i32, y2: i32, y3: i32, y4: i32, y5: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  var rest = flat_index(group, groups, local, 64u);
  if (rest >= params.size) { return; }
  var at = vec2(params.offset_x, params.offset_y);
  // Axes that are not there cost nothing: rank is a constant of the pipeline.
  if (rank > 5u) {
    at += i32(rest % params.n5) * vec2(params.x5, params.y5);
    rest /= params.n5;
  }
  if (rank > 4u) {
    at += i32(rest % params.n4) * vec2(params.x4, params.y4);
    rest /= params.n4;
  }
  if (rank > 3u) {
    at += i32(rest % params.n3) * vec2(params.x3, params.y3);
    rest /= params.n3;
  }
  if (rank > 2u) {
    at += i32(rest % params.n2) * vec2(params.x2, params.y2);
    rest /= params.n2;
  }
  if (rank > 1u) {
    at += i32(rest % params.n1) * vec2(params.x1, params.y1);
    rest /= params.n1;
  }
  at += i32(rest) * vec2(params.x0, params.y0);
  y[at.y] = x[at.x];
}
