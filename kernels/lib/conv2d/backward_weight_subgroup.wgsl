// backward_weight.wgsl for adapters with subgroups: the same bindings, parameters and partials, other tiles.
//
//   partials[slice][o,ky,kx,i] = Σ_{(n,oy,ox) in slice} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i]
//
//   dy       [batch, out_height, out_width, out_channels]
//   x        [batch, height, width, channels]
//   partials [slices, out_channels, kernel_height, kernel_width, channels]; reduce_slices.wgsl adds the slices up.
//            With one slice, partials is dw itself.
//   channels and out_channels are multiples of 4; nothing else is assumed. A slice may be empty: it is then zeros.
//
// The pixels, numbered with the image number fastest (see implicit_gemm_portable.wgsl), are cut into runs of `slice`, a multiple of
// 4.
//
// Thread: 16 out channels × 1 column of 4, where a column is one (ky, kx, i/4): 64 sums, 4 pixels at a time. The 4 threads of
// a quad have the same 16 out channels: each loads 4 of them and gets the other 12 from its neighbours, because a load costs
// lavapipe about 300 instructions and a quad broadcast one.
// Workgroup: 64 threads in a row: 16 columns (thread t takes column t mod 16) × 64 out channels (16 for each t / 16). With 64
// channels or more the columns of a workgroup share a tap, and pixels for which the tap lies outside are skipped.
//
// dy and x are f32 or f16, as the alias `Value` says; sums and partials are f32.
// Right for every subgroup size: only quads are used, and threads are numbered by subgroup, so that a quad is 4 neighbours.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / 64), ceil(out_channels / 64), slices)
//       with length = out_channels · kernel_height · kernel_width · channels, pixels = batch · out_height · out_width:
//       groups = ceil(kernel_height · kernel_width · channels / 64) · ceil(out_channels / 64)
//       wanted = max(ceil(target / groups), ceil(pixels / 16384)),  target 32 on a software adapter, 1024 on a GPU
//       slices = max(1, min(wanted, ceil(pixels / 64), floor(16777216 / length)))
//       (enough workgroups; no f32 sum of more than 16,384 terms in a row; slices worth a reduction; at most 64 MiB of partials)
// #include "lib/conv2d/weight_pixels.wgsl"

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_size) subgroup_size: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let quads = params.channels / 4u;
  let out_quads = params.out_channels / 4u;
  let columns = params.kernel_height * params.kernel_width * quads;
  let thread = subgroup * subgroup_size + lane;
  let column = workgroup.x * 16u + thread % 16u;
  let first_out_quad = workgroup.y * 16u + thread / 16u * 4u;
  // What does not exist reads something that does and is not written.
  let own_out_quad = min(first_out_quad + thread % 4u, out_quads - 1u);
  let quad = column % quads;
  let tap = min(column, columns - 1u) / quads;
  let tap_y = i32(tap / params.kernel_width) - i32(params.padding);
  let tap_x = i32(tap % params.kernel_width) - i32(params.padding);

  let pixels = params.batch * params.out_height * params.out_width;
  let begin = min(workgroup.z * params.slice, pixels);
  let end = min(begin + params.slice, pixels);
  let place = begin / params.batch;
  var pixel_a = Pixel(begin % params.batch, place / params.out_width, place % params.out_width);

  // One vec4 per out channel: its lanes are the 4 channels of the column.
  var acc_0 = vec4<f32>();
  var acc_1 = vec4<f32>();
  var acc_2 = vec4<f32>();
  var acc_3 = vec4<f32>();
  var acc_4 = vec4<f32>();
  var acc_5 = vec4<f32>();
  var acc_6 = vec4<f32>();
  var acc_7 = vec4<f32>();
  var acc_8 = vec4<f32>();
  var acc_9 = vec4<f32>();
  var acc_10 = vec4<f32>();
  var acc_11 = vec4<f32>();
  var acc_12 = vec4<f32>();
  var acc_13 = vec4<f32>();
  var acc_14 = vec4<f32>();
  var acc_15 = vec4<f32>();

  for (var number = begin; number < end; number += 4u) {
    let pixel_b = next(pixel_a);
    let pixel_c = next(pixel_b);
    let pixel_d = next(pixel_c);
    let source_a = source_of(pixel_a, true, tap_y, tap_x, quad);
    let exists_b = number + 1u < end;
    let source_b = source_of(pixel_b, exists_b, tap_y, tap_x, quad);
    let exists_c = number + 2u < end;
    let source_c = source_of(pixel_c, exists_c, tap_y, tap_x, quad);
    let exists_d = number + 3u < end;
    let source_d = source_of(pixel_d, exists_d, tap_y, tap_x, quad);
    if (subgroupAny(min(min(source_a, source_b), min(source_c, source_d)) != OUTSIDE)) {
      let x_a = load_x(source_a);
      let dy_a = load_dy(pixel_a, true, own_out_quad);
      let x_b = load_x(source_b);
      let dy_b = load_dy(pixel_b, exists_b, own_out_quad);
      let x_c = load_x(source_c);
      let dy_c = load_dy(pixel_c, exists_c, own_out_quad);
      let x_d = load_x(source_d);
      let dy_d = load_dy(pixel_d, exists_d, own_out_quad);
      let a0 = quadBroadcast(dy_a, 0u);
      let b0 = quadBroadcast(dy_b, 0u);
      let c0 = quadBroadcast(dy_c, 0u);
      let d0 = quadBroadcast(dy_d, 0u);
      acc_0 = fma(x_d, d0.xxxx, fma(x_c, c0.xxxx, fma(x_b, b0.xxxx, fma(x_a, a0.xxxx, acc_0))));
      acc_1 = fma(x_d, d0.yyyy, fma(x_c, c0.yyyy, fma(x_b, b0.yyyy, fma(x_a, a0.yyyy, acc_1))));
      acc_2 = fma(x_d, d0.zzzz, fma(x_c, c0.zzzz, fma(x_b, b0.zzzz, fma(x_a, a0.zzzz, acc_2))));
      acc_3 = fma(x_d, d0.wwww, fma(x_c, c0.wwww, fma(x_b, b0.wwww, fma(x_a, a0.wwww, acc_3))));
      let a1 = quadBroadcast(dy_a, 1u);
      let b1 = quadBroadcast(dy_b, 1u);
      let c1 = quadBroadcast(dy_c, 1u);
      let d1 = quadBroadcast(dy_d, 1u);
      acc_4 = fma(x_d, d1.xxxx, fma(x_c, c1.xxxx, fma(x_b, b1.xxxx, fma(x_a, a1.xxxx, acc_4))));
      acc_5 = fma(x_d, d1.yyyy, fma(x_c, c1.yyyy, fma(x_b, b1.yyyy, fma(x_a, a1.yyyy, acc_5))));
      acc_6 = fma(x_d, d1.zzzz, fma(x_c, c1.zzzz, fma(x_b, b1.zzzz, fma(x_a, a1.zzzz, acc_6))));
      acc_7 = fma(x_d, d1.wwww, fma(x_c, c1.wwww, fma(x_b, b1.wwww, fma(x_a, a1.wwww, acc_7))));
      let a2 = quadBroadcast(dy_a, 2u);
      let b2 = quadBroadcast(dy_b, 2u);
      let c2 = quadBroadcast(dy_c, 2u);
      let d2 = quadBroadcast(dy_d, 2u);
      acc_8 = fma(x_d, d2.xxxx, fma(x_c, c2.xxxx, fma(x_b, b2.xxxx, fma(x_a, a2.xxxx, acc_8))));
      acc_9 = fma(x_d, d2.yyyy, fma(x_c, c2.yyyy, fma(x_b, b2.yyyy, fma(x_a, a2.yyyy, acc_9))));
      acc_10 = fma(x_d, d2.zzzz, fma(x_c, c2.zzzz, fma(x_b, b2.zzzz, fma(x_a, a2.zzzz, acc_10))));
      acc_11 = fma(x_d, d2.wwww, fma(x_c, c2.wwww, fma(x_b, b2.wwww, fma(x_a, a2.wwww, acc_11))));
      let a3 = quadBroadcast(dy_a, 3u);
      let b3 = quadBroadcast(dy_b, 3u);
      let c3 = quadBroadcast(dy_c, 3u);
      let d3 = quadBroadcast(dy_d, 3u);
      acc_12 = fma(x_d, d3.xxxx, fma(x_c, c3.xxxx, fma(x_b, b3.xxxx, fma(x_a, a3.xxxx, acc_12))));
      acc_13 = fma(x_d, d3.yyyy, fma(x_c, c3.yyyy, fma(x_b, b3.yyyy, fma(x_a, a3.yyyy, acc_13))));
      acc_14 = fma(x_d, d3.zzzz, fma(x_c, c3.zzzz, fma(x_b, b3.zzzz, fma(x_a, a3.zzzz, acc_14))));
      acc_15 = fma(x_d, d3.wwww, fma(x_c, c3.wwww, fma(x_b, b3.wwww, fma(x_a, a3.wwww, acc_15))));
    }
    pixel_a = next(pixel_d);
  }

  if (column >= columns) {
    return;
  }
  let first = (workgroup.z * params.out_channels + first_out_quad * 4u) * columns + column;
  if (first_out_quad < out_quads) {
    partials[first] = acc_0;
    partials[first + columns] = acc_1;
    partials[first + 2u * columns] = acc_2;
    partials[first + 3u * columns] = acc_3;
  }
  if (first_out_quad + 1u < out_quads) {
    partials[first + 4u * columns] = acc_4;
    partials[first + 5u * columns] = acc_5;
    partials[first + 6u * columns] = acc_6;
    partials[first + 7u * columns] = acc_7;
  }
  if (first_out_quad + 2u < out_quads) {
    partials[first + 8u * columns] = acc_8;
    partials[first + 9u * columns] = acc_9;
    partials[first + 10u * columns] = acc_10;
    partials[first + 11u * columns] = acc_11;
  }
  if (first_out_quad + 3u < out_quads) {
    partials[first + 12u * columns] = acc_12;
    partials[first + 13u * columns] = acc_13;
    partials[first + 14u * columns] = acc_14;
    partials[first + 15u * columns] = acc_15;
  }
}
