// y = exp(x − m) / s, or its logarithm x − m − log s; (m, s) = stats of the row: x, y [rows, columns] of `Stored`, f32
// or f16. One invocation: one element.
// #include "lib/grid.wgsl"

override logarithm: bool = false;

struct Params { columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let of_row = stats[i / params.columns];
  let below = f32(x[i]) - of_row.x;
  if (logarithm) {
    y[i] = Stored(below - log(of_row.y));
  } else {
    y[i] = Stored(exp(below) / of_row.y);
  }
}
