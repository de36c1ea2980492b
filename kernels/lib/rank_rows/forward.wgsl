// y[r, c] = how many of row r come before its element c: those that are less, and the equal ones to the left of it. x
// [rows, columns] of `Stored`, f32 or u32. One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let start = i / params.columns * params.columns;
  let value = x[i];
  var rank = 0u;
  for (var at = start; at < i; at++) { rank += u32(x[at] <= value); }
  for (var at = i + 1u; at < start + params.columns; at++) { rank += u32(x[at] < value); }
  y[i] = rank;
}
