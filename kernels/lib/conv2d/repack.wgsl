// A matrix of f32 or f16 (the alias `Element`) copied into one of another size, cut off or filled up with zeros: how channel
// counts that are not multiples of 4 reach kernels that load four channels at a time, and how results leave them.
//
//   source [source_rows, source_columns] → target [target_rows, target_columns]
//
// Invocation: one element of the target. Workgroup: 64. Grid: grid1d(target_rows · target_columns, 64)
// #include "lib/grid.wgsl"

struct Params {
  source_rows: u32,
  source_columns: u32,
  target_rows: u32,
  target_columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<Element>;
@group(0) @binding(2) var<storage, read_write> destination: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.target_rows * params.target_columns) { return; }
  let row = i / params.target_columns;
  let column = i % params.target_columns;
  var value = Element(0.0);
  if (row < params.source_rows && column < params.source_columns) { value = source[row * params.source_columns + column]; }
  destination[i] = value;
}
