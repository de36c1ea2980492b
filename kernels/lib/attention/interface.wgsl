// What the kernels of attention share. q, y, dy and dq are [batch, queries, d], k, v, dk and dv [batch, keys, d] of `Stored`, f32 or f16, where
// d is four times `quads`, at most 64; sums are f32. With `causal` query i sees keys 0 … i. An invocation has four rows of its own, the columns
// of matrices, so that what it loads of the others serves four; rows past the end are the last one again, and not stored.
// #include "lib/grid.wgsl"
override causal: bool = false;
// 0: as `params` says. Software rasterisers take a minute to compile loops of f16 that are unrolled.
override fixed_quads: u32 = 0u;

struct Params { batch: u32, queries: u32, keys: u32, quads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<Stored>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<Stored>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<Stored>>;

const most_quads = 16u;
const next = vec4<u32>(0u, 1u, 2u, 3u);
// So far below any score that exp of the difference is 0.
const lowest = -1e30;

// The four rows times x: a column of the block a row.
fn products(x: vec4<f32>, block: mat4x4<f32>) -> vec4<f32> { return x * block; }

// x times a number for each of the four rows.
fn outer(x: vec4<f32>, numbers: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(x * numbers.x, x * numbers.y, x * numbers.z, x * numbers.w);
}

fn four_of_q(at: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(vec4<f32>(q[at.x]), vec4<f32>(q[at.y]), vec4<f32>(q[at.z]), vec4<f32>(q[at.w]));
}
