// c[i, j] = Σ_k a(i, k) · b(k, j) + bias, for matrices in any order: element (i, k) of `a` lies at i·a_row + k·a_depth, and so
// on for b and c. The sum may be cut into slices of `slice` terms; slice s is then written to c + s·rows·columns, and
// `sum` adds the slices up. The bias runs along the columns (1) or the rows (2), or there is none (0). a and b are of
// `Element`, f32 or f16; sums and c are f32.
//
// One invocation: 8 rows × 4 columns of one slice, in registers, without workgroup memory or barriers. One workgroup: 8 rows × 128
// columns; its rows are the same for all lanes, so that loads of `a` are broadcasts, and the columns of a lane are 32 apart, so
// that neighbouring lanes load and store neighbours.
// #include "lib/grid.wgsl"

struct Params {
  rows: u32, columns: u32, depth: u32, slice: u32,
  a_row: u32, a_depth: u32, b_depth: u32, b_column: u32, c_row: u32, c_column: u32,
  bias_along: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

const lanes = 32u;

// Columns past the end read and compute the last one again; they are not stored.
fn four(first: u32, step: u32, end: u32) -> vec4<u32> {
  return min(first + vec4(0u, 1u, 2u, 3u) * step, vec4(end - 1u));
}

fn store_row(row: u32, column: u32, slice: u32, sums: vec4<f32>) {
  if (row >= params.rows) { return; }
  for (var j = 0u; j < 4u; j++) {
    let at = column + j * lanes;
    if (at >= params.columns) { return; }
    var value = sums[j];
    if (params.bias_along == 1u && slice == 0u) { value += bias[at]; }
    if (params.bias_along == 2u && slice == 0u) { value += bias[row]; }
    c[slice * params.rows * params.columns + row * params.c_row + at * params.c_column] = value;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let tile = flat_index(group, groups, 0u, 1u);
  let tiles_across = (params.columns + 4u * lanes - 1u) / (4u * lanes);
  let tiles_down = (params.rows + 7u) / 8u;
  let slice = tile / (tiles_across * tiles_down);
  let row = tile / tiles_across % tiles_down * 8u;
  let column = tile % tiles_across * 4u * lanes + lane;
  let start = slice * params.slice;
  if (start >= params.depth) { return; }

  var upper = four(row, 1u, params.rows) * params.a_row + start * params.a_depth;
  var lower = four(row + 4u, 1u, params.rows) * params.a_row + start * params.a_depth;
  var right = four(column, lanes, params.columns) * params.b_column + start * params.b_depth;
  var c0 = vec4<f32>(); var c1 = vec4<f32>(); var c2 = vec4<f32>(); var c3 = vec4<f32>();
  var c4 = vec4<f32>(); var c5 = vec4<f32>(); var c6 = vec4<f32>(); var c7 = vec4<f32>();
  for (var k = min(params.slice, params.depth - start); k > 0u; k--) {
    let x = vec4<f32>(vec4(b[right.x], b[right.y], b[right.z], b[right.w]));
    c0 += f32(a[upper.x]) * x;
    c1 += f32(a[upper.y]) * x;
    c2 += f32(a[upper.z]) * x;
    c3 += f32(a[upper.w]) * x;
    c4 += f32(a[lower.x]) * x;
    c5 += f32(a[lower.y]) * x;
    c6 += f32(a[lower.z]) * x;
    c7 += f32(a[lower.w]) * x;
    upper += params.a_depth;
    lower += params.a_depth;
    right += params.b_depth;
  }
  store_row(row, column, slice, c0);
  store_row(row + 1u, column, slice, c1);
  store_row(row + 2u, column, slice, c2);
  store_row(row + 3u, column, slice, c3);
  store_row(row + 4u, column, slice, c4);
  store_row(row + 5u, column, slice, c5);
  store_row(row + 6u, column, slice, c6);
  store_row(row + 7u, column, slice, c7);
}
