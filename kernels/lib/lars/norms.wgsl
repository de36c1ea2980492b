// Partial sums of LARS' squared norms: partials[c] = (Σ θ², Σ (g + decay·θ)²) over chunk c of a flat buffer [size]. A chunk lies
// within one parameter; `chunks` [C, 4] = first quad, quads, parameter, 2 · row of the rates + adapted
// (0 or 1). `scalars` [rows, 2] = lr, decay. One workgroup: one chunk; one
// invocation: every 64th quad of it. Whoever includes this has unscaled().
// #include "lib/grid.wgsl"
// #include "lib/sum64.wgsl"

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> scalars: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let c = flat_index(group, groups, 0u, 1u);
  if (c >= params.count) { return; }
  let chunk = chunks[c];
  let decay = scalars[chunk.w / 2u].y;
  var sum = vec2<f32>();
  for (var i = local; i < chunk.y; i += 64u) {
    let weight = weights[chunk.x + i];
    let g = unscaled(gradients[chunk.x + i]) + decay * weight;
    sum += vec2(dot(weight, weight), dot(g, g));
  }
  sum = sum64(sum, local);
  if (local == 0u) { partials[c] = sum; }
}
