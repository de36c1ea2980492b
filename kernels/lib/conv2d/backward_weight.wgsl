// Weight gradient of a 2-D convolution, as partial sums over slices of the pixels (split-K, no atomics, deterministic).
//
//   partials[slice][o,ky,kx,i] = Σ_{(n,oy,ox) in slice} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i]
//
//   dy       [batch, out_height, out_width, out_channels]
//   x        [batch, height, width, channels]
//   partials [slices, out_channels, kernel_height, kernel_width, channels]; reduce_slices.wgsl adds the slices up.
//            With one slice, partials is dw itself.
//   channels and out_channels are multiples of 4; nothing else is assumed. A slice may be empty: it is then zeros.
//
// The pixels, in memory order, are cut into runs of `slice`.
//
// Thread: 8 out channels × 2 columns of 4, where a column is one (ky, kx, i/4): 64 sums.
// Workgroup: 8 × 8 threads: 16 columns (thread x takes x and x + 8) × 64 out channels (thread y takes 8 in a row). With 64
// channels or more the columns of a workgroup share a tap, and a pixel for which the tap lies outside is skipped.
// dy and x are f32 or f16, as the alias `Value` says; sums and partials are f32.
// No workgroup memory and no barrier: software adapters run barriers as coroutines.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / 64), ceil(out_channels / 64), slices)
//       with length = out_channels · kernel_height · kernel_width · channels, pixels = batch · out_height · out_width:
//       groups = ceil(kernel_height · kernel_width · channels / 64) · ceil(out_channels / 64)
//       wanted = max(ceil(target / groups), ceil(pixels / 16384)),  target 32 on a software adapter, 1024 on a GPU
//       slices = max(1, min(wanted, ceil(pixels / 64), floor(16777216 / length)))
//       (enough workgroups; no f32 sum of more than 16,384 terms in a row; slices worth a reduction; at most 64 MiB of partials)
// #include "lib/conv2d/weight_interface.wgsl"

// Columns of w that do not exist read column 0 and are not written.
struct Column {
  written: bool,
  index: u32,
  y: i32,  // source coordinates of the tap for the output pixel (0, 0)
  x: i32,
  quad: u32,
}

fn column_of(number: u32, quads: u32, columns: u32) -> Column {
  var column: Column;
  column.written = number < columns;
  column.index = select(0u, number, column.written);
  column.quad = column.index % quads;
  let tap = column.index / quads;
  column.y = i32(tap / params.kernel_width) - i32(params.padding);
  column.x = i32(tap % params.kernel_width) - i32(params.padding);
  return column;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let quads = params.channels / 4u;
  let out_quads = params.out_channels / 4u;
  let columns = params.kernel_height * params.kernel_width * quads;
  let column_a = column_of(workgroup.x * 16u + thread.x, quads, columns);
  let column_b = column_of(workgroup.x * 16u + thread.x + 8u, quads, columns);
  let out_quad = workgroup.y * 16u + thread.y * 2u;
  if (!column_a.written || out_quad >= out_quads) {
    return;
  }
  let two = out_quad + 1u < out_quads;
  let second = select(0u, 1u, two);

  let pixels = params.batch * params.out_height * params.out_width;
  let begin = min(workgroup.z * params.slice, pixels);
  let end = min(begin + params.slice, pixels);

  // Coordinates are counted along: a division for each pixel would cost more than its products.
  var out_x = begin % params.out_width;
  var out_y = begin / params.out_width % params.out_height;
  var image = begin / (params.out_width * params.out_height);

  // acc_<column>_<out channel>, lanes are the 4 channels of the column.
  var acc_a_0 = vec4<f32>();
  var acc_a_1 = vec4<f32>();
  var acc_a_2 = vec4<f32>();
  var acc_a_3 = vec4<f32>();
  var acc_a_4 = vec4<f32>();
  var acc_a_5 = vec4<f32>();
  var acc_a_6 = vec4<f32>();
  var acc_a_7 = vec4<f32>();
  var acc_b_0 = vec4<f32>();
  var acc_b_1 = vec4<f32>();
  var acc_b_2 = vec4<f32>();
  var acc_b_3 = vec4<f32>();
  var acc_b_4 = vec4<f32>();
  var acc_b_5 = vec4<f32>();
  var acc_b_6 = vec4<f32>();
  var acc_b_7 = vec4<f32>();

  for (var pixel = begin; pixel < end; pixel++) {
    let top = i32(out_y * params.stride);
    let left = i32(out_x * params.stride);
    // A negative coordinate is a huge unsigned one.
    let inside_a = u32(top + column_a.y) < params.height && u32(left + column_a.x) < params.width;
    let inside_b = u32(top + column_b.y) < params.height && u32(left + column_b.x) < params.width;
    if (inside_a || inside_b) {
      let first_row = i32(image * params.height) + top;
      let at_a = u32((first_row + column_a.y) * i32(params.width) + left + column_a.x) * quads + column_a.quad;
      let at_b = u32((first_row + column_b.y) * i32(params.width) + left + column_b.x) * quads + column_b.quad;
      let a = select(vec4<f32>(), vec4<f32>(x[select(0u, at_a, inside_a)]), inside_a);
      let b = select(vec4<f32>(), vec4<f32>(x[select(0u, at_b, inside_b)]), inside_b);
      let d = vec4<f32>(dy[pixel * out_quads + out_quad]);
      let e = vec4<f32>(dy[pixel * out_quads + out_quad + second]);
      acc_a_0 = fma(a, d.xxxx, acc_a_0);
      acc_a_1 = fma(a, d.yyyy, acc_a_1);
      acc_a_2 = fma(a, d.zzzz, acc_a_2);
      acc_a_3 = fma(a, d.wwww, acc_a_3);
      acc_a_4 = fma(a, e.xxxx, acc_a_4);
      acc_a_5 = fma(a, e.yyyy, acc_a_5);
      acc_a_6 = fma(a, e.zzzz, acc_a_6);
      acc_a_7 = fma(a, e.wwww, acc_a_7);
      acc_b_0 = fma(b, d.xxxx, acc_b_0);
      acc_b_1 = fma(b, d.yyyy, acc_b_1);
      acc_b_2 = fma(b, d.zzzz, acc_b_2);
      acc_b_3 = fma(b, d.wwww, acc_b_3);
      acc_b_4 = fma(b, e.xxxx, acc_b_4);
      acc_b_5 = fma(b, e.yyyy, acc_b_5);
      acc_b_6 = fma(b, e.zzzz, acc_b_6);
      acc_b_7 = fma(b, e.wwww, acc_b_7);
    }
    let row_ends = out_x + 1u == params.out_width;
    let image_ends = row_ends && out_y + 1u == params.out_height;
    out_x = select(out_x + 1u, 0u, row_ends);
    out_y = select(select(out_y, out_y + 1u, row_ends), 0u, image_ends);
    image += select(0u, 1u, image_ends);
  }

  let to_a = (workgroup.z * params.out_channels + out_quad * 4u) * columns + column_a.index;
  partials[to_a] = acc_a_0;
  partials[to_a + columns] = acc_a_1;
  partials[to_a + 2u * columns] = acc_a_2;
  partials[to_a + 3u * columns] = acc_a_3;
  if (two) {
    partials[to_a + 4u * columns] = acc_a_4;
    partials[to_a + 5u * columns] = acc_a_5;
    partials[to_a + 6u * columns] = acc_a_6;
    partials[to_a + 7u * columns] = acc_a_7;
  }
  if (column_b.written) {
    let to_b = (workgroup.z * params.out_channels + out_quad * 4u) * columns + column_b.index;
    partials[to_b] = acc_b_0;
    partials[to_b + columns] = acc_b_1;
    partials[to_b + 2u * columns] = acc_b_2;
    partials[to_b + 3u * columns] = acc_b_3;
    if (two) {
      partials[to_b + 4u * columns] = acc_b_4;
      partials[to_b + 5u * columns] = acc_b_5;
      partials[to_b + 6u * columns] = acc_b_6;
      partials[to_b + 7u * columns] = acc_b_7;
    }
  }
}
