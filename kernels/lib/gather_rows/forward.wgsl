// y[m, c] = x[indices[m], c], zero where the index is no row: x [rows, columns], y [size / columns, columns]. `Stored`
// is u32, as which any four bytes are copied, or f16. One invocation: one element.
// #include "lib/grid.wgsl"

struct Params { rows: u32, columns: u32, size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.size) { return; }
  let m = i / params.columns;
  let row = indices[m];
  if (row < params.rows) {
    y[i] = x[row * params.columns + (i - m * params.columns)];
  } else {
    y[i] = Stored();
  }
}
