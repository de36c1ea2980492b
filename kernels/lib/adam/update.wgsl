// Adam over a flat buffer, in place; every tensor is [size], a multiple of 512. L2 decay is either coupled or decoupled (AdamW):
//   g += decay·θ      or      θ *= 1 − lr·decay
//   m = β₁ m + (1 − β₁) g     v = β₂ v + (1 − β₂) g²     θ −= lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)
// `scalars` [R, 4] = lr, lr/(1−β₁ᵗ), √(1−β₂ᵗ), decay: a block of 512 elements takes the row that `rows` names. Whoever includes this
// has `Params`, corrections(rates) = (lr/(1−β₁ᵗ), √(1−β₂ᵗ)), and what lib/optimizer/plain.wgsl or half.wgsl declare.
//
// One invocation: twice four elements, 256 apart. A workgroup: 512 elements, which divide the size, so that no load or store stands
// behind a condition: software rasterisers take twice as long for those. A skipped step stores what it read. `folded` is set where
// a dispatch has more workgroups than there is work for.
// #include "lib/grid.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> exp_avg: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> exp_avg_sq: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> scalars: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> rows: array<u32>;

override folded: bool = false;

fn update(i: u32, skip: bool, rates: vec4<f32>, by: vec2<f32>) {
  let weight = weights[i];
  let mean = exp_avg[i];
  let square = exp_avg_sq[i];
  let g = unscaled(gradients[i]) + select(rates.w, 0.0, params.decoupled != 0u) * weight;
  let m = params.beta1 * mean + params.rest1 * g;
  let v = params.beta2 * square + params.rest2 * g * g;
  let next = weight * (1.0 - rates.x * select(0.0, rates.w, params.decoupled != 0u)) - by.x * m / (sqrt(v) / by.y + params.eps);
  let kept = select(next, weight, skip);
  exp_avg[i] = select(m, mean, skip);
  exp_avg_sq[i] = select(v, square, skip);
  weights[i] = kept;
  keep_copy(i, kept);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 128u);
  if (folded && i >= params.quads) { return; }
  let skip = is_skipped();
  let rates = scalars[rows[i / 128u]];
  let by = corrections(rates);
  update(i, skip, rates, by);
  update(i + 64u, skip, rates, by);
}
