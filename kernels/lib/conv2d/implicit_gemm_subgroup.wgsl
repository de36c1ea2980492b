// implicit_gemm_portable.wgsl for adapters with subgroups: the same bindings, parameters and result, other tiles.
//
//   forward          y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c]
//   input gradient   the same sum over x := dy with w := the weights transposed to [I,kh,kw,O] (transpose_weight.wgsl):
//                    y := dx,  dx[n,iy,ix,i] = Σ_{ky,kx,o} dy[n, (iy + padding − ky)/stride, (ix + padding − kx)/stride, o] · w[i,ky,kx,o]
//                    over the taps for which both divisions are exact and inside dy.
//
//   x [batch, height, width, channels]              what is gathered from (forward: the input; gradient: dy)
//   w [out_channels, kernel_height, kernel_width, channels]
//   y [batch, out_height, out_width, out_channels]  what is written, every element once (forward: the output; gradient: dx)
//   channels and out_channels are multiples of 4; nothing else is assumed. implicit_gemm_portable.wgsl explains the stride classes and the
//   numbering of the pixels.
//
// Thread: 16 pixels × 4 out channels, 4 channels of the reduction at a time. The 4 threads of a quad have the same 16 pixels:
// each loads 4 of them and gets the other 12 from its neighbours. A load costs lavapipe about 300 instructions, whether its
// address is uniform or not, and a quad broadcast one: 8 loads for 256 products instead of 20.
// Workgroup: 64 threads in a row: 64 out channels (thread t takes t mod 16, + 16, + 32, + 48) × 64 pixels (16 for each t / 16).
//
// Right for every subgroup size: only quads are used, and threads are numbered by subgroup, so that a quad is 4 neighbours.
//
// Grid: classes = input_gradient ? stride² : 1,  rows = input_gradient ? ceil(out_height / stride) : out_height,
//       columns = input_gradient ? ceil(out_width / stride) : out_width,
//       tiles = classes · ceil(batch · rows · columns / 64)
//       dispatch(ceil(out_channels / 64), min(tiles, 65535), ceil(tiles / min(tiles, 65535)))

// #include "lib/conv2d/implicit_gemm.wgsl"

const PIXELS = 64u;
const OUT_CHANNELS = 64u;
const NOWHERE = 0xffffffffu;

fn write(pixel: u32, out_channel: u32, value: f32) {
  if (pixel != NOWHERE && out_channel < params.out_channels) {
    y[pixel * params.out_channels + out_channel] = Element(value);
  }
}

fn write_pixels(pixels: vec4<u32>, out_channel: u32, values: vec4<f32>) {
  write(pixels.x, out_channel, values.x);
  write(pixels.y, out_channel, values.y);
  write(pixels.z, out_channel, values.z);
  write(pixels.w, out_channel, values.w);
}

// The values of the 4 threads of the quad.
fn of_quad(value: u32) -> vec4<u32> {
  return vec4<u32>(quadBroadcast(value, 0u), quadBroadcast(value, 1u), quadBroadcast(value, 2u), quadBroadcast(value, 3u));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_size) subgroup_size: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let pitch = select(1u, params.stride, params.input_gradient != 0u);
  let rows = (params.out_height + pitch - 1u) / pitch;
  let columns = (params.out_width + pitch - 1u) / pitch;
  let tiles_of_class = (params.batch * rows * columns + PIXELS - 1u) / PIXELS;
  let tile = workgroup.y + workgroup.z * workgroups.y;
  let residues = tile / tiles_of_class;
  if (residues >= pitch * pitch) {
    return;
  }
  let thread = subgroup * subgroup_size + lane;
  let first_pixel = (tile % tiles_of_class) * PIXELS + thread / 16u * 16u + thread % 4u;
  let first_out_channel = workgroup.x * OUT_CHANNELS + thread % 16u;

  // The 4 of the 16 pixels that this thread loads: 4 apart, so that a quad loads 4 neighbours.
  let vertical = axis_of(residues / pitch, params.kernel_height);
  let horizontal = axis_of(residues % pitch, params.kernel_width);
  let pixel_a = pixel_of(first_pixel, rows, columns, vertical, horizontal);
  let pixel_b = pixel_of(first_pixel + 4u, rows, columns, vertical, horizontal);
  let pixel_c = pixel_of(first_pixel + 8u, rows, columns, vertical, horizontal);
  let pixel_d = pixel_of(first_pixel + 12u, rows, columns, vertical, horizontal);
  let direction = select(1, -1, params.input_gradient != 0u);

  // Rows of w, in vec4s; out channels beyond the last read the last row and are not written.
  let quads = params.channels / 4u;
  let row_length = params.kernel_height * params.kernel_width * quads;
  let last = params.out_channels - 1u;
  let row_0 = min(first_out_channel, last) * row_length;
  let row_1 = min(first_out_channel + 16u, last) * row_length;
  let row_2 = min(first_out_channel + 32u, last) * row_length;
  let row_3 = min(first_out_channel + 48u, last) * row_length;

  // acc_<out channel>_<pixels>: the lanes are the 4 pixels that the quad loads together.
  var acc_0_a = vec4<f32>();
  var acc_0_b = vec4<f32>();
  var acc_0_c = vec4<f32>();
  var acc_0_d = vec4<f32>();
  var acc_1_a = vec4<f32>();
  var acc_1_b = vec4<f32>();
  var acc_1_c = vec4<f32>();
  var acc_1_d = vec4<f32>();
  var acc_2_a = vec4<f32>();
  var acc_2_b = vec4<f32>();
  var acc_2_c = vec4<f32>();
  var acc_2_d = vec4<f32>();
  var acc_3_a = vec4<f32>();
  var acc_3_b = vec4<f32>();
  var acc_3_c = vec4<f32>();
  var acc_3_d = vec4<f32>();

  let written = vec4<bool>(pixel_a.written, pixel_b.written, pixel_c.written, pixel_d.written);
  let origins_y = vec4<i32>(pixel_a.y, pixel_b.y, pixel_c.y, pixel_d.y);
  let origins_x = vec4<i32>(pixel_a.x, pixel_b.x, pixel_c.x, pixel_d.x);
  let images = vec4<i32>(pixel_a.image, pixel_b.image, pixel_c.image, pixel_d.image);
  let height = vec4<u32>(params.height);
  let width = vec4<u32>(params.width);

  for (var ty = 0u; ty < vertical.taps; ty++) {
    let source_y = origins_y + direction * i32(ty);
    // A negative coordinate is a huge unsigned one.
    let inside_y = written & (vec4<u32>(source_y) < height);
    if (!subgroupAny(any(inside_y))) {
      continue;
    }
    let source_row = (images + source_y) * i32(params.width);
    let tap_row = (vertical.first_tap + vertical.step * ty) * params.kernel_width;
    for (var tx = 0u; tx < horizontal.taps; tx++) {
      let source_x = origins_x + direction * i32(tx);
      let inside = inside_y & (vec4<u32>(source_x) < width);
      if (!subgroupAny(any(inside))) {
        continue;
      }
      let source = select(vec4<u32>(), vec4<u32>(source_row + source_x) * quads, inside);
      let tap = (tap_row + horizontal.first_tap + horizontal.step * tx) * quads;
      for (var quad = 0u; quad < quads; quad++) {
        let a = select(vec4<f32>(), vec4<f32>(x[source.x + quad]), inside.x);
        let b = select(vec4<f32>(), vec4<f32>(x[source.y + quad]), inside.y);
        let c = select(vec4<f32>(), vec4<f32>(x[source.z + quad]), inside.z);
        let d = select(vec4<f32>(), vec4<f32>(x[source.w + quad]), inside.w);
        let at = tap + quad;
        let w0 = vec4<f32>(w[row_0 + at]);
        let w1 = vec4<f32>(w[row_1 + at]);
        let w2 = vec4<f32>(w[row_2 + at]);
        let w3 = vec4<f32>(w[row_3 + at]);
        let a0 = quadBroadcast(a, 0u);
        let a1 = quadBroadcast(a, 1u);
        let a2 = quadBroadcast(a, 2u);
        let a3 = quadBroadcast(a, 3u);
        let a_x = vec4<f32>(a0.x, a1.x, a2.x, a3.x);
        let a_y = vec4<f32>(a0.y, a1.y, a2.y, a3.y);
        let a_z = vec4<f32>(a0.z, a1.z, a2.z, a3.z);
        let a_w = vec4<f32>(a0.w, a1.w, a2.w, a3.w);
        acc_0_a = multiply_add(acc_0_a, w0, a_x, a_y, a_z, a_w);
        acc_1_a = multiply_add(acc_1_a, w1, a_x, a_y, a_z, a_w);
        acc_2_a = multiply_add(acc_2_a, w2, a_x, a_y, a_z, a_w);
        acc_3_a = multiply_add(acc_3_a, w3, a_x, a_y, a_z, a_w);
        let b0 = quadBroadcast(b, 0u);
        let b1 = quadBroadcast(b, 1u);
        let b2 = quadBroadcast(b, 2u);
        let b3 = quadBroadcast(b, 3u);
        let b_x = vec4<f32>(b0.x, b1.x, b2.x, b3.x);
        let b_y = vec4<f32>(b0.y, b1.y, b2.y, b3.y);
        let b_z = vec4<f32>(b0.z, b1.z, b2.z, b3.z);
        let b_w = vec4<f32>(b0.w, b1.w, b2.w, b3.w);
        acc_0_b = multiply_add(acc_0_b, w0, b_x, b_y, b_z, b_w);
        acc_1_b = multiply_add(acc_1_b, w1, b_x, b_y, b_z, b_w);
        acc_2_b = multiply_add(acc_2_b, w2, b_x, b_y, b_z, b_w);
        acc_3_b = multiply_add(acc_3_b, w3, b_x, b_y, b_z, b_w);
        let c0 = quadBroadcast(c, 0u);
        let c1 = quadBroadcast(c, 1u);
        let c2 = quadBroadcast(c, 2u);
        let c3 = quadBroadcast(c, 3u);
        let c_x = vec4<f32>(c0.x, c1.x, c2.x, c3.x);
        let c_y = vec4<f32>(c0.y, c1.y, c2.y, c3.y);
        let c_z = vec4<f32>(c0.z, c1.z, c2.z, c3.z);
        let c_w = vec4<f32>(c0.w, c1.w, c2.w, c3.w);
        acc_0_c = multiply_add(acc_0_c, w0, c_x, c_y, c_z, c_w);
        acc_1_c = multiply_add(acc_1_c, w1, c_x, c_y, c_z, c_w);
        acc_2_c = multiply_add(acc_2_c, w2, c_x, c_y, c_z, c_w);
        acc_3_c = multiply_add(acc_3_c, w3, c_x, c_y, c_z, c_w);
        let d0 = quadBroadcast(d, 0u);
        let d1 = quadBroadcast(d, 1u);
        let d2 = quadBroadcast(d, 2u);
        let d3 = quadBroadcast(d, 3u);
        let d_x = vec4<f32>(d0.x, d1.x, d2.x, d3.x);
        let d_y = vec4<f32>(d0.y, d1.y, d2.y, d3.y);
        let d_z = vec4<f32>(d0.z, d1.z, d2.z, d3.z);
        let d_w = vec4<f32>(d0.w, d1.w, d2.w, d3.w);
        acc_0_d = multiply_add(acc_0_d, w0, d_x, d_y, d_z, d_w);
        acc_1_d = multiply_add(acc_1_d, w1, d_x, d_y, d_z, d_w);
        acc_2_d = multiply_add(acc_2_d, w2, d_x, d_y, d_z, d_w);
        acc_3_d = multiply_add(acc_3_d, w3, d_x, d_y, d_z, d_w);
      }
    }
  }

  let pixels_a = of_quad(select(NOWHERE, pixel_a.index, pixel_a.written));
  let pixels_b = of_quad(select(NOWHERE, pixel_b.index, pixel_b.written));
  let pixels_c = of_quad(select(NOWHERE, pixel_c.index, pixel_c.written));
  let pixels_d = of_quad(select(NOWHERE, pixel_d.index, pixel_d.written));
  write_pixels(pixels_a, first_out_channel, acc_0_a);
  write_pixels(pixels_b, first_out_channel, acc_0_b);
  write_pixels(pixels_c, first_out_channel, acc_0_c);
  write_pixels(pixels_d, first_out_channel, acc_0_d);
  write_pixels(pixels_a, first_out_channel + 16u, acc_1_a);
  write_pixels(pixels_b, first_out_channel + 16u, acc_1_b);
  write_pixels(pixels_c, first_out_channel + 16u, acc_1_c);
  write_pixels(pixels_d, first_out_channel + 16u, acc_1_d);
  write_pixels(pixels_a, first_out_channel + 32u, acc_2_a);
  write_pixels(pixels_b, first_out_channel + 32u, acc_2_b);
  write_pixels(pixels_c, first_out_channel + 32u, acc_2_c);
  write_pixels(pixels_d, first_out_channel + 32u, acc_2_d);
  write_pixels(pixels_a, first_out_channel + 48u, acc_3_a);
  write_pixels(pixels_b, first_out_channel + 48u, acc_3_b);
  write_pixels(pixels_c, first_out_channel + 48u, acc_3_c);
  write_pixels(pixels_d, first_out_channel + 48u, acc_3_d);
}
