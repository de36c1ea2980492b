// y[r, c] = Σ_m x[m, c] over the list of row r (see links.wgsl), in the order of m: x [count, columns], y [rows,
// columns] of `Stored`, f32 or f16. One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { rows: u32, count: u32, columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> links: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let row = i / params.columns;
  let column = i - row * params.columns;
  var sum = 0.0;
  for (var m = links[row]; m < params.count; m = links[params.rows + m]) {
    sum += f32(x[m * params.columns + column]);
  }
  y[i] = Stored(sum);
}
