// backward.wgsl with subgroups: the same result, for tiles of lib/nt_xent/similarity_subgroup.wgsl.
// partial[slice, q, i] = Σ_k W_ik packed[q, k] over one slice of the columns k, W_ik = P_ik + P_ki − 2·[k is the positive of i],
// W_ii = 0, where P_ik = exp(s_ik − lse_i) is computed again: gather.wgsl makes the gradient of it.
//
// One invocation: 4 rows × the columns of its slice, 16 at a time: their weights in registers, then added into the rows' own sums in
// memory, which no other invocation touches. Grid: dispatch(ceil(rows / 64), slices).
enable subgroups;

struct Params { rows: u32, stride: u32, quads: u32, slice: u32, temperature: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;

// #include "lib/nt_xent/similarity_subgroup.wgsl"

// What a thread knows of its 4 rows.
struct Rows { row: vec4<u32>, positive: vec4<u32>, lse: vec4<f32> }

fn lse_at(row: u32) -> f32 { return lse[min(row, params.rows - 1u)]; }

fn weights_of(rows: Rows, column: u32, lse_of_column: f32, s: vec4<f32>) -> vec4<f32> {
  let both = exp(s - rows.lse) + exp(s - lse_of_column) - select(vec4<f32>(), vec4(2.0), rows.positive == vec4(column));
  return select(vec4<f32>(), both, (rows.row != vec4(column)) & vec4(column < params.rows));
}

// Of 4 columns: each column of the result has those of one row.
fn weights(rows: Rows, column: u32, rank: u32, s: mat4x4<f32>) -> mat4x4<f32> {
  let mine = lse_at(column + rank);
  return transpose(mat4x4<f32>(
    weights_of(rows, column, quadBroadcast(mine, 0u), s[0]),
    weights_of(rows, column + 1u, quadBroadcast(mine, 1u), s[1]),
    weights_of(rows, column + 2u, quadBroadcast(mine, 2u), s[2]),
    weights_of(rows, column + 3u, quadBroadcast(mine, 3u), s[3]),
  ));
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_id) subgroup: u32,
        @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let thread = subgroup * subgroup_size + lane;
  let rank = thread % 4u;
  let row = group.x * 64u + thread * 4u;
  let four = row + vec4(0u, 1u, 2u, 3u);
  let lse_of_rows = vec4(lse_at(four.x), lse_at(four.y), lse_at(four.z), lse_at(four.w));
  let rows = Rows(four, (four + params.rows / 2u) % params.rows, lse_of_rows);
  let start = group.y * params.slice;
  for (var column = start; column < min(start + params.slice, params.rows); column += 16u) {
    let s = similarities(row, column, rank);
    let a = weights(rows, column, rank, s.a);
    let b = weights(rows, column + 4u, rank, s.b);
    let c = weights(rows, column + 8u, rank, s.c);
    let d = weights(rows, column + 12u, rank, s.d);
    for (var quad = 0u; quad < params.quads; quad++) {
      let at = (group.y * params.quads + quad) * params.stride + row;
      let so_far = mat4x4<f32>(partial[at], partial[at + 1u], partial[at + 2u], partial[at + 3u]);
      var sums = mat4x4<f32>();
      sums = add_products(sums, four_columns(quad, column, rank), a);
      sums = add_products(sums, four_columns(quad, column + 4u, rank), b);
      sums = add_products(sums, four_columns(quad, column + 8u, rank), c);
      sums = add_products(sums, four_columns(quad, column + 12u, rank), d);
      partial[at] = sums[0] + select(so_far[0], vec4<f32>(), column == start);
      partial[at + 1u] = sums[1] + select(so_far[1], vec4<f32>(), column == start);
      partial[at + 2u] = sums[2] + select(so_far[2], vec4<f32>(), column == start);
      partial[at + 3u] = sums[3] + select(so_far[3], vec4<f32>(), column == start);
    }
  }
}
