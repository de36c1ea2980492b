// What slices of rows hold of a channel, merged: (rows, mean, m2) of statistics, or with `sums` plain sums.
// Whoever includes this has `partial` [slices, 2, channels] and `params` with channels,
// slice_rows, part_rows and part_slices: slices are of parts of the rows.
override sums: bool = false;

fn combine(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  if (sums) { return a + b; }
  let n = a.x + b.x;
  let share = b.x / n;
  let delta = b.y - a.y;
  return vec3(n, a.y + delta * share, a.z + b.z + delta * delta * (a.x * share));
}

fn load_slice(channel: u32, slice: u32) -> vec3<f32> {
  let rows = min(params.slice_rows, params.part_rows - slice % params.part_slices * params.slice_rows);
  let at = 2u * slice * params.channels + channel;
  return vec3(f32(rows), partial[at], partial[at + params.channels]);
}

fn merge_slices(channel: u32, first: u32, end: u32) -> vec3<f32> {
  var merged = vec3(0.0);
  // Four at a time are loaded before they are looked at: a GPU has too few channels to hide the way of each by other work.
  var slice = first;
  for (; slice + 4u <= end; slice += 4u) {
    let a = load_slice(channel, slice);
    let b = load_slice(channel, slice + 1u);
    let c = load_slice(channel, slice + 2u);
    let d = load_slice(channel, slice + 3u);
    merged = combine(combine(combine(combine(merged, a), b), c), d);
  }
  for (; slice < end; slice++) { merged = combine(merged, load_slice(channel, slice)); }
  return merged;
}
