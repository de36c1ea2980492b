// What slices of rows hold of a channel, merged: (rows, mean, m2) of statistics, or with `sums` plain sums.
// Whoever includes this has `partial` [slices, 2, channels] and `params` with rows, channels and slice_rows.
override sums: bool = false;

fn combine(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  if (sums) { return a + b; }
  let n = a.x + b.x;
  let share = b.x / n;
  let delta = b.y - a.y;
  return vec3(n, a.y + delta * share, a.z + b.z + delta * delta * (a.x * share));
}

fn merge_slices(channel: u32, first: u32, end: u32) -> vec3<f32> {
  var merged = vec3(0.0);
  var at = 2u * first * params.channels + channel;
  for (var slice = first; slice < end; slice++) {
    let rows = min(params.slice_rows, params.rows - slice * params.slice_rows);
    merged = combine(merged, vec3(f32(rows), partial[at], partial[at + params.channels]));
    at += 2u * params.channels;
  }
  return merged;
}
