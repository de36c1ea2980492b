// partial[slice, q, r] = Σ_c W_rc packed_columns[q, c] over one slice of the columns c: gather.wgsl makes the gradient of row r of it. For
// query i and key j, W_ij = P_ij − Y_ij, where P_ij = exp(s_ij − lse_i) of candidates is computed again, and Y_ij is 1 for the positive.
// Rows are queries and columns keys (`rows_ask`), rows keys, from key `first` on, and columns queries (`columns_ask`), or, for queries that
// are the keys, both at once: then W_rc = P_rc + P_cr − Y_rc − Y_cr.
//
// One invocation: two rows × the columns of its slice, eight at a time: their weights in registers, then added into the rows'
// own sums in memory, which no other invocation touches. One workgroup: 64 rows × one slice of `slice` columns.
// #include "lib/grid.wgsl"
// #include "lib/info_nce/backward_interface.wgsl"
// #include "lib/info_nce/candidates.wgsl"
// #include "lib/info_nce/similarity.wgsl"

// 4 columns as queries; anything where columns are keys only.
fn queries_at(column: u32) -> Queries {
  if (!columns_ask) { return Queries(); }
  let i = min(column + vec4(0u, 1u, 2u, 3u), vec4(params.columns - 1u));
  return Queries(vec4(positive[i.x], positive[i.y], positive[i.z], positive[i.w]),
                 vec4(excluded[i.x], excluded[i.y], excluded[i.z], excluded[i.w]),
                 vec4(lse[i.x], lse[i.y], lse[i.z], lse[i.w]));
}

// A row as a query, 4 times; anything where rows are keys only.
fn query_of(row: u32) -> Queries {
  if (!rows_ask) { return Queries(); }
  return Queries(vec4(positive[row]), vec4(excluded[row]), vec4(lse[row]));
}

fn probabilities(queries: Queries, keys: vec4<u32>, s: vec4<f32>) -> vec4<f32> {
  return select(vec4<f32>(), exp(s - queries.lse), are_candidates(keys, queries.positive, queries.excluded));
}

fn are_positives(queries: Queries, keys: vec4<u32>) -> vec4<f32> {
  return select(vec4<f32>(), vec4(1.0), keys == queries.positive);
}

fn weights(row: u32, query: Queries, column: u32, queries: Queries, s: vec4<f32>) -> vec4<f32> {
  let columns = column + vec4(0u, 1u, 2u, 3u);
  var p = vec4<f32>();
  var y = vec4<f32>();
  if (rows_ask) {
    p = probabilities(query, columns, s);
    y = are_positives(query, columns);
  }
  if (columns_ask) {
    p += probabilities(queries, vec4(params.first + row), s);
    y += are_positives(queries, vec4(params.first + row));
  }
  return select(vec4<f32>(), p - y, columns < vec4(params.columns));
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_down = (params.rows + 63u) / 64u;
  let slice = tile / tiles_down;
  let start = slice * params.slice;
  let row = tile % tiles_down * 64u + lane + vec2(0u, 32u);
  if (start >= params.columns || row.x >= params.rows) { return; }
  let loaded = min(row, vec2(params.rows - 1u));
  let query_x = query_of(loaded.x);
  let query_y = query_of(loaded.y);
  let tau = temperature[0];

  for (var column = start; column < min(start + params.slice, params.columns); column += 8u) {
    let s = similarities(loaded, column, tau);
    let queries = queries_at(column);
    let queries_next = queries_at(column + 4u);
    let first = weights(row.x, query_x, column, queries, s.first);
    let first_next = weights(row.x, query_x, column + 4u, queries_next, s.first_next);
    let second = weights(row.y, query_y, column, queries, s.second);
    let second_next = weights(row.y, query_y, column + 4u, queries_next, s.second_next);
    for (var quad = 0u; quad < params.quads; quad++) {
      let columns = four_columns(quad, column);
      let next = four_columns(quad, column + 4u);
      let at = (slice * params.quads + quad) * params.row_stride + row;
      add_to(at.x, column == start, columns * first + next * first_next);
      if (row.y < params.rows) { add_to(at.y, column == start, columns * second + next * second_next); }
    }
  }
}

fn add_to(at: u32, is_first: bool, value: vec4<f32>) {
  if (is_first) { partial[at] = value; } else { partial[at] += value; }
}
