// backward_weight_subgroup.wgsl for subgroups of exactly 8 lanes: the same bindings, parameters and partials (it has formulas, shapes
// and the slices), added up in the same order, other tiles.
//
// Workgroup: one subgroup, 32 out channels × 8 columns of 4, where a column is one (ky, kx, i/4). For each pixel, lane l loads column l
// of x and out channels 4·l … 4·l + 3 of dy, and gets the other out channels from the other lanes: nothing is loaded twice by a
// subgroup. 4 pixels at a time make 8 loads for 512 vector products; backward_weight_subgroup.wgsl needs 16 for as many.
//
// The array is as long as the loops over it, which makes Mesa unroll them, so that it lives in registers.
//
// Grid: dispatch(ceil(kernel_height · kernel_width · channels / 32), ceil(out_channels / 32), slices)
// #include "lib/conv2d/weight_pixels.wgsl"

const LANES = 8u;

// acc + Σ_p weights[p] · x_p for 4 pixels p, as a chain on the accumulator.
fn multiply_add(acc: vec4<f32>, weights: vec4<f32>, x_a: vec4<f32>, x_b: vec4<f32>, x_c: vec4<f32>, x_d: vec4<f32>) -> vec4<f32> {
  return fma(x_d, weights.wwww, fma(x_c, weights.zzzz, fma(x_b, weights.yyyy, fma(x_a, weights.xxxx, acc))));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let quads = params.channels / 4u;
  let out_quads = params.out_channels / 4u;
  let columns = params.kernel_height * params.kernel_width * quads;
  let column = workgroup.x * LANES + lane;
  let first_out_quad = workgroup.y * LANES;
  // What does not exist reads something that does and is not written.
  let own_out_quad = min(first_out_quad + lane, out_quads - 1u);
  let quad = column % quads;
  let tap = min(column, columns - 1u) / quads;
  let tap_y = i32(tap / params.kernel_width) - i32(params.padding);
  let tap_x = i32(tap % params.kernel_width) - i32(params.padding);

  let pixels = params.batch * params.out_height * params.out_width;
  let begin = min(workgroup.z * params.slice, pixels);
  let end = min(begin + params.slice, pixels);
  let place = begin / params.batch;
  var pixel_a = Pixel(begin % params.batch, place / params.out_width, place % params.out_width);

  // One column per out channel, 4 to each lane: its components are the 4 channels of the column of w.
  var acc: array<mat4x4<f32>, LANES>;
  for (var number = begin; number < end; number += 4u) {
    let pixel_b = next(pixel_a);
    let pixel_c = next(pixel_b);
    let pixel_d = next(pixel_c);
    let exists_b = number + 1u < end;
    let exists_c = number + 2u < end;
    let exists_d = number + 3u < end;
    let source_a = source_of(pixel_a, true, tap_y, tap_x, quad);
    let source_b = source_of(pixel_b, exists_b, tap_y, tap_x, quad);
    let source_c = source_of(pixel_c, exists_c, tap_y, tap_x, quad);
    let source_d = source_of(pixel_d, exists_d, tap_y, tap_x, quad);
    if (subgroupAny(min(min(source_a, source_b), min(source_c, source_d)) != OUTSIDE)) {
      let x_a = load_x(source_a);
      let x_b = load_x(source_b);
      let x_c = load_x(source_c);
      let x_d = load_x(source_d);
      let dy_a = load_dy(pixel_a, true, own_out_quad);
      let dy_b = load_dy(pixel_b, exists_b, own_out_quad);
      let dy_c = load_dy(pixel_c, exists_c, own_out_quad);
      let dy_d = load_dy(pixel_d, exists_d, own_out_quad);
      for (var l = 0u; l < LANES; l++) {
        let a = subgroupShuffle(dy_a, l);
        let b = subgroupShuffle(dy_b, l);
        let c = subgroupShuffle(dy_c, l);
        let d = subgroupShuffle(dy_d, l);
        acc[l][0] = multiply_add(acc[l][0], vec4<f32>(a.x, b.x, c.x, d.x), x_a, x_b, x_c, x_d);
        acc[l][1] = multiply_add(acc[l][1], vec4<f32>(a.y, b.y, c.y, d.y), x_a, x_b, x_c, x_d);
        acc[l][2] = multiply_add(acc[l][2], vec4<f32>(a.z, b.z, c.z, d.z), x_a, x_b, x_c, x_d);
        acc[l][3] = multiply_add(acc[l][3], vec4<f32>(a.w, b.w, c.w, d.w), x_a, x_b, x_c, x_d);
      }
    }
    pixel_a = next(pixel_d);
  }

  let first_out_channel = 4u * first_out_quad;
  let first = (workgroup.z * params.out_channels + first_out_channel) * columns + column;
  for (var l = 0u; l < LANES; l++) {
    if (column < columns && first_out_channel + 4u * l < params.out_channels) {
      let at = first + 4u * l * columns;
      partials[at] = acc[l][0];
      partials[at + columns] = acc[l][1];
      partials[at + 2u * columns] = acc[l][2];
      partials[at + 3u * columns] = acc[l][3];
    }
  }
}
