// Gradient descent with momentum and a gain of its own for each coordinate (Jacobs, 1988; van der Maaten & Hinton, 2008), in place:
//   gain += 0.2 where gradient and velocity have different signs, else gain ·= 0.8, at least 0.01
//   velocity = momentum · velocity − rate · gain · gradient,   y += velocity
// `scalars` = [rate, momentum]. One invocation: one coordinate.
// #include "lib/grid.wgsl"

struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocity: array<f32>;
@group(0) @binding(3) var<storage, read_write> gain: array<f32>;
@group(0) @binding(4) var<storage, read> gradient: array<f32>;
@group(0) @binding(5) var<storage, read> scalars: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let g = max(select(gain[i] * 0.8, gain[i] + 0.2, velocity[i] * gradient[i] < 0.0), 0.01);
  let v = scalars[1] * velocity[i] - scalars[0] * g * gradient[i];
  gain[i] = g;
  velocity[i] = v;
  y[i] += v;
}
