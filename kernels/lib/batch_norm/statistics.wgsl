// Mean and m2 = Σ (x − mean)² of every channel over a slice of rows.
//
//   x [rows, channels] → partial [slices, 2, channels]: means of x − x[0], then m2; channels are counted in `Value`s, which x
//   holds as `Stored`: the same of f32 or f16. The rows may be several parts of part_rows with statistics of their own, x[0] the first
//   row of each, cut into part_slices slices
//
// Taking off the first row keeps the mean's digits when the data lie far from zero. Four rows at a time are reduced on their own
// and merged: n = a.n + b.n, mean = a.mean + δ b.n/n, m2 = a.m2 + b.m2 + δ² a.n b.n/n with δ = b.mean − a.mean.
// One invocation: one Value of one slice. A workgroup: 64 of them, channels fastest.
// #include "lib/grid.wgsl"

struct Params { channels: u32, slices: u32, slice_rows: u32, part_rows: u32, part_slices: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partial: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.slices * params.channels) { return; }
  let slice = i / params.channels;
  let channel = i - slice * params.channels;
  let part = slice / params.part_slices * params.part_rows;
  let first = slice % params.part_slices * params.slice_rows;
  let count = min(params.slice_rows, params.part_rows - first);
  let stride = params.channels;
  let origin = Value(x[part * stride + channel]);
  var at = (part + first) * stride + channel;
  var mean = Value(0.0);
  var m2 = Value(0.0);
  var done = 0u;
  for (; done + 4u <= count; done += 4u) {
    let a = Value(x[at]) - origin;
    let b = Value(x[at + stride]) - origin;
    let c = Value(x[at + 2u * stride]) - origin;
    let d = Value(x[at + 3u * stride]) - origin;
    let four = 0.25 * ((a + b) + (c + d));
    let spread = ((a - four) * (a - four) + (b - four) * (b - four)) + ((c - four) * (c - four) + (d - four) * (d - four));
    let share = 4.0 / f32(done + 4u);
    let delta = four - mean;
    mean += delta * share;
    m2 += spread + delta * delta * (f32(done) * share);
    at += 4u * stride;
  }
  for (; done < count; done++) {
    let share = 1.0 / f32(done + 1u);
    let delta = Value(x[at]) - origin - mean;
    mean += delta * share;
    m2 += delta * delta * (f32(done) * share);
    at += stride;
  }
  partial[2u * slice * stride + channel] = mean;
  partial[(2u * slice + 1u) * stride + channel] = m2;
}
