// Which keys a query is compared with: all but the excluded one; of the first `own` keys, each the positive of one query, its own only.
fn are_candidates(key: vec4<u32>, positive: vec4<u32>, excluded: vec4<u32>) -> vec4<bool> {
  return (key != excluded) & ((key >= vec4(params.own)) | (key == positive));
}
