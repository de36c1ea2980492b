// dx = y (dy − s), for the logarithm dy − exp(y) s, where s = sums of the row: dy, y, dx [rows, columns] of `Stored`,
// f32 or f16. One invocation: one element.
// #include "lib/grid.wgsl"

override logarithm: bool = false;

struct Params { columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Stored>;
@group(0) @binding(2) var<storage, read> y: array<Stored>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let sum = sums[i / params.columns];
  if (logarithm) {
    dx[i] = Stored(f32(dy[i]) - exp(f32(y[i])) * sum);
  } else {
    dx[i] = Stored(f32(y[i]) * (f32(dy[i]) - sum));
  }
}
