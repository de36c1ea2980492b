// What the kernels of the gradient are given, and what they know of 4 queries: rows are queries (`rows_ask`), or columns are, or both.
override rows_ask: bool = true;
override columns_ask: bool = true;

struct Params {
  rows: u32, columns: u32, row_stride: u32, column_stride: u32, quads: u32, slice: u32, own: u32, first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed_rows: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> packed_columns: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> positive: array<u32>;
@group(0) @binding(4) var<storage, read> excluded: array<u32>;
@group(0) @binding(5) var<storage, read> temperature: array<f32>;
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> partial: array<vec4<f32>>;

struct Queries { positive: vec4<u32>, excluded: vec4<u32>, lse: vec4<f32> }
