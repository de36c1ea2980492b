// backward.wgsl with subgroups: the same result, for tiles of lib/info_nce/similarity_subgroup.wgsl.
// partial[slice, q, r] = Σ_c W_rc packed_columns[q, c] over one slice of the columns c: gather.wgsl makes the gradient of row r of it. For
// query i and key j, W_ij = P_ij − Y_ij, where P_ij = exp(s_ij − lse_i) of candidates is computed again, and Y_ij is 1 for the positive.
// Rows are queries and columns keys (`rows_ask`), rows keys, from key `first` on, and columns queries (`columns_ask`), or, for queries that
// are the keys, both at once: then W_rc = P_rc + P_cr − Y_rc − Y_cr.
//
// One invocation: 4 rows × the columns of its slice, 16 at a time: their weights in registers, then added into the rows' own sums in
// memory, which no other invocation touches. One workgroup: 64 rows × one slice.
enable subgroups;
// #include "lib/grid.wgsl"
// #include "lib/info_nce/backward_interface.wgsl"
// #include "lib/info_nce/candidates.wgsl"
// #include "lib/info_nce/similarity_subgroup.wgsl"

// The thread's 4 rows as queries; anything where rows are keys only.
fn queries_of(row: u32) -> Queries {
  if (!rows_ask) { return Queries(); }
  let at = min(row + vec4(0u, 1u, 2u, 3u), vec4(params.rows - 1u));
  return Queries(vec4(positive[at.x], positive[at.y], positive[at.z], positive[at.w]),
                 vec4(excluded[at.x], excluded[at.y], excluded[at.z], excluded[at.w]),
                 vec4(lse[at.x], lse[at.y], lse[at.z], lse[at.w]));
}

fn probabilities(keys: vec4<u32>, queries: Queries, s: vec4<f32>) -> vec4<f32> {
  return select(vec4<f32>(), exp(s - queries.lse), are_candidates(keys, queries.positive, queries.excluded));
}

fn are_positives(keys: vec4<u32>, queries: Queries) -> vec4<f32> {
  return select(vec4<f32>(), vec4(1.0), keys == queries.positive);
}

// Of the thread's 4 rows with one column, which as a query is `query`.
fn weights_of(row: u32, queries: Queries, column: u32, query: Queries, s: vec4<f32>) -> vec4<f32> {
  var p = vec4<f32>();
  var y = vec4<f32>();
  if (rows_ask) {
    p = probabilities(vec4(column), queries, s);
    y = are_positives(vec4(column), queries);
  }
  if (columns_ask) {
    let keys = params.first + row + vec4(0u, 1u, 2u, 3u);
    p += probabilities(keys, query, s);
    y += are_positives(keys, query);
  }
  return select(vec4<f32>(), p - y, vec4(column < params.columns));
}

// Of 4 columns: each column of the result has those of one row. A thread loads what is to be known of one column as a query.
fn weights(row: u32, queries: Queries, column: u32, rank: u32, s: mat4x4<f32>) -> mat4x4<f32> {
  var of_columns = array<Queries, 4>();
  if (columns_ask) {
    let at = min(column + rank, params.columns - 1u);
    let numbers = vec2(positive[at], excluded[at]);
    let of_lse = lse[at];
    of_columns[0] = query(quadBroadcast(numbers, 0u), quadBroadcast(of_lse, 0u));
    of_columns[1] = query(quadBroadcast(numbers, 1u), quadBroadcast(of_lse, 1u));
    of_columns[2] = query(quadBroadcast(numbers, 2u), quadBroadcast(of_lse, 2u));
    of_columns[3] = query(quadBroadcast(numbers, 3u), quadBroadcast(of_lse, 3u));
  }
  return transpose(mat4x4<f32>(
    weights_of(row, queries, column, of_columns[0], s[0]),
    weights_of(row, queries, column + 1u, of_columns[1], s[1]),
    weights_of(row, queries, column + 2u, of_columns[2], s[2]),
    weights_of(row, queries, column + 3u, of_columns[3], s[3]),
  ));
}

fn query(numbers: vec2<u32>, of_lse: f32) -> Queries {
  return Queries(vec4(numbers.x), vec4(numbers.y), vec4(of_lse));
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_size) subgroup_size: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  let thread = subgroup * subgroup_size + lane;
  let rank = thread % 4u;
  let row = tile % tiles_down * 64u + thread * 4u;
  let queries = queries_of(row);
  let tau = temperature[0];
  for (var column = start; column < min(start + params.slice, params.columns); column += 16u) {
    let s = similarities(row, column, rank, tau);
    let a = weights(row, queries, column, rank, s.a);
    let b = weights(row, queries, column + 4u, rank, s.b);
    let c = weights(row, queries, column + 8u, rank, s.c);
    let d = weights(row, queries, column + 12u, rank, s.d);
    for (var quad = 0u; quad < params.quads; quad++) {
      let at = (slice * params.quads + quad) * params.row_stride + row;
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
