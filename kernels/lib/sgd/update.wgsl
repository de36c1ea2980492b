// Stochastic gradient descent with momentum over a flat buffer, in place; every tensor is [size], a multiple of 4:
//   g += decay·θ     b = μ b + g     θ −= lr·b, or with Nesterov θ −= lr·(g + μ b)
// `scalars` [R, 2] = lr, decay: a block of 512 elements takes the row that `rows` names. Whoever includes this has what lib/optimizer/plain.wgsl or half.wgsl declare. One invocation: four elements.
// #include "lib/grid.wgsl"

struct Params { quads: u32, momentum: f32, nesterov: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> momentum_buffer: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> scalars: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.quads || is_skipped()) { return; }
  let rates = scalars[rows[i / 128u]];
  let weight = weights[i];
  let g = unscaled(gradients[i]) + rates.y * weight;
  let b = params.momentum * momentum_buffer[i] + g;
  momentum_buffer[i] = b;
  let updated = weight - rates.x * select(b, g + params.momentum * b, params.nesterov != 0u);
  weights[i] = updated;
  keep_copy(i, updated);
}
