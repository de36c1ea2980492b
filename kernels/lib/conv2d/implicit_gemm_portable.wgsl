// 2-D convolution, forward and input gradient, as one gather.
//
//   forward          y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c]
//   input gradient   the same sum over x := dy with w := the weights transposed to [I,kh,kw,O] (transpose_weight.wgsl):
//                    y := dx,  dx[n,iy,ix,i] = Σ_{ky,kx,o} dy[n, (iy + padding − ky)/stride, (ix + padding − kx)/stride, o] · w[i,ky,kx,o]
//                    over the taps for which both divisions are exact and inside dy.
//
//   x [batch, height, width, channels]              what is gathered from (forward: the input; gradient: dy)
//   w [out_channels, kernel_height, kernel_width, channels]
//   y [batch, out_height, out_width, out_channels]  what is written, every element once (forward: the output; gradient: dx)
//   channels and out_channels are multiples of 4; nothing else is assumed.
//
// Input gradient: pixels of dx whose (iy mod stride, ix mod stride) agree use the same taps, so each workgroup takes its
// pixels from one of the stride × stride classes and walks every stride-th tap only: nothing is multiplied by a zero that
// stride puts between the elements of dy. The forward pass is the case of a single class.
//
// Thread: 4 pixels × 8 out channels, 4 channels of the reduction at a time.
// Workgroup: 8 × 8 threads: 64 out channels (thread x takes x, x + 8, … x + 56) × 32 pixels (thread y takes 4 in a row).
// No workgroup memory and no barrier: software adapters run barriers as coroutines.
//
// Pixels are numbered with the image number fastest: the 4 pixels of a thread then mostly lie at the same place of 4 images
// and leave the border together, so that a tap outside is skipped instead of multiplied by zero (for a 3 × 3 map that is
// 40 % of the work). The `inside` masks keep it right when they do not.
//
// Grid: classes = input_gradient ? stride² : 1,  rows = input_gradient ? ceil(out_height / stride) : out_height,
//       columns = input_gradient ? ceil(out_width / stride) : out_width,
//       tiles = classes · ceil(batch · rows · columns / 32)
//       dispatch(ceil(out_channels / 64), min(tiles, 65535), ceil(tiles / min(tiles, 65535)))

// #include "lib/conv2d/implicit_gemm.wgsl"

const PIXELS = 32u;
const OUT_CHANNELS = 64u;

fn write(pixel: Pixel, out_channel: u32, value: f32) {
  if (pixel.written && out_channel < params.out_channels) {
    y[pixel.index * params.out_channels + out_channel] = Element(value);
  }
}

fn write_pixels(a: Pixel, b: Pixel, c: Pixel, d: Pixel, out_channel: u32, values: vec4<f32>) {
  write(a, out_channel, values.x);
  write(b, out_channel, values.y);
  write(c, out_channel, values.z);
  write(d, out_channel, values.w);
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_id) thread: vec3<u32>,
) {
  let pitch = select(1u, params.stride, params.input_gradient != 0u);
  let rows = (params.out_height + pitch - 1u) / pitch;
  let columns = (params.out_width + pitch - 1u) / pitch;
  let tiles_of_class = (params.batch * rows * columns + PIXELS - 1u) / PIXELS;
  let tile = workgroup.y + workgroup.z * workgroups.y;
  let residues = tile / tiles_of_class;
  let first_pixel = (tile % tiles_of_class) * PIXELS + thread.y * 4u;
  let first_out_channel = workgroup.x * OUT_CHANNELS + thread.x;
  if (residues >= pitch * pitch || first_pixel >= params.batch * rows * columns || first_out_channel >= params.out_channels) {
    return;
  }

  let vertical = axis_of(residues / pitch, params.kernel_height);
  let horizontal = axis_of(residues % pitch, params.kernel_width);
  let pixel_a = pixel_of(first_pixel, rows, columns, vertical, horizontal);
  let pixel_b = pixel_of(first_pixel + 1u, rows, columns, vertical, horizontal);
  let pixel_c = pixel_of(first_pixel + 2u, rows, columns, vertical, horizontal);
  let pixel_d = pixel_of(first_pixel + 3u, rows, columns, vertical, horizontal);
  let direction = select(1, -1, params.input_gradient != 0u);

  // Rows of w, in vec4s; out channels beyond the last read the last row and are not written.
  let quads = params.channels / 4u;
  let row_length = params.kernel_height * params.kernel_width * quads;
  let last = params.out_channels - 1u;
  let row_0 = first_out_channel * row_length;
  let row_1 = min(first_out_channel + 8u, last) * row_length;
  let row_2 = min(first_out_channel + 16u, last) * row_length;
  let row_3 = min(first_out_channel + 24u, last) * row_length;
  let row_4 = min(first_out_channel + 32u, last) * row_length;
  let row_5 = min(first_out_channel + 40u, last) * row_length;
  let row_6 = min(first_out_channel + 48u, last) * row_length;
  let row_7 = min(first_out_channel + 56u, last) * row_length;

  // One vec4 per out channel: its lanes are the 4 pixels.
  var acc_0 = vec4<f32>();
  var acc_1 = vec4<f32>();
  var acc_2 = vec4<f32>();
  var acc_3 = vec4<f32>();
  var acc_4 = vec4<f32>();
  var acc_5 = vec4<f32>();
  var acc_6 = vec4<f32>();
  var acc_7 = vec4<f32>();

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
    if (!any(inside_y)) {
      continue;
    }
    let source_row = (images + source_y) * i32(params.width);
    let tap_row = (vertical.first_tap + vertical.step * ty) * params.kernel_width;
    for (var tx = 0u; tx < horizontal.taps; tx++) {
      let source_x = origins_x + direction * i32(tx);
      let inside = inside_y & (vec4<u32>(source_x) < width);
      if (!any(inside)) {
        continue;
      }
      let source = select(vec4<u32>(), vec4<u32>(source_row + source_x) * quads, inside);
      let tap = (tap_row + horizontal.first_tap + horizontal.step * tx) * quads;
      for (var quad = 0u; quad < quads; quad++) {
        let a = select(vec4<f32>(), vec4<f32>(x[source.x + quad]), inside.x);
        let b = select(vec4<f32>(), vec4<f32>(x[source.y + quad]), inside.y);
        let c = select(vec4<f32>(), vec4<f32>(x[source.z + quad]), inside.z);
        let d = select(vec4<f32>(), vec4<f32>(x[source.w + quad]), inside.w);
        let x0 = vec4<f32>(a.x, b.x, c.x, d.x);
        let x1 = vec4<f32>(a.y, b.y, c.y, d.y);
        let x2 = vec4<f32>(a.z, b.z, c.z, d.z);
        let x3 = vec4<f32>(a.w, b.w, c.w, d.w);
        let at = tap + quad;
        acc_0 = multiply_add(acc_0, vec4<f32>(w[row_0 + at]), x0, x1, x2, x3);
        acc_1 = multiply_add(acc_1, vec4<f32>(w[row_1 + at]), x0, x1, x2, x3);
        acc_2 = multiply_add(acc_2, vec4<f32>(w[row_2 + at]), x0, x1, x2, x3);
        acc_3 = multiply_add(acc_3, vec4<f32>(w[row_3 + at]), x0, x1, x2, x3);
        acc_4 = multiply_add(acc_4, vec4<f32>(w[row_4 + at]), x0, x1, x2, x3);
        acc_5 = multiply_add(acc_5, vec4<f32>(w[row_5 + at]), x0, x1, x2, x3);
        acc_6 = multiply_add(acc_6, vec4<f32>(w[row_6 + at]), x0, x1, x2, x3);
        acc_7 = multiply_add(acc_7, vec4<f32>(w[row_7 + at]), x0, x1, x2, x3);
      }
    }
  }

  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel, acc_0);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 8u, acc_1);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 16u, acc_2);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 24u, acc_3);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 32u, acc_4);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 40u, acc_5);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 48u, acc_6);
  write_pixels(pixel_a, pixel_b, pixel_c, pixel_d, first_out_channel + 56u, acc_7);
}
