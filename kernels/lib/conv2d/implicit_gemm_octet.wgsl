// implicit_gemm_portable.wgsl for subgroups of exactly 8 lanes: the same bindings, parameters and result, other tiles.
// implicit_gemm_portable.wgsl has the formulas and shapes and explains the stride classes and the numbering of the pixels.
//
// Workgroup: one subgroup, 8·BLOCKS pixels × 32 out channels. Lane l loads pixels l, l + 8, … and weight rows l, l + 8, l + 16 and
// l + 24, 4 channels of the reduction at a time, and gets the other pixels from the other lanes. Nothing is loaded twice by a
// subgroup: with 4 blocks 8 loads serve 512 vector products; implicit_gemm_subgroup.wgsl needs 16 for as many. On lavapipe a vec4
// load costs as much as 30 to 200 products, because it is done element by element, each with branches of its own.
//
// Arrays are indexed by loops of constant length only, which compilers unroll, so they live in registers. Shuffles, unlike
// broadcasts, compile to a single permutation and keep `select` in front of them: one select for each load, not for each lane.
//
// Whoever includes this enables subgroups and has `BLOCKS`, the vec4s of x that a lane loads for each step.
//
// Grid: classes, rows and columns as in implicit_gemm_portable.wgsl, tiles = classes · ceil(batch · rows · columns / (8·BLOCKS))
//       dispatch(ceil(out_channels / 32), min(tiles, 65535), ceil(tiles / min(tiles, 65535)))

// #include "lib/conv2d/implicit_gemm.wgsl"

const LANES = 8u;
const PIXELS = LANES * BLOCKS;
const OUT_CHANNELS = 4u * LANES;
const NOWHERE = 0xffffffffu;

// Out channel `first`, first + 8, first + 16 and first + 24 of a pixel.
fn write_channels(pixel: u32, first: u32, values: vec4<f32>) {
  if (pixel == NOWHERE) {
    return;
  }
  let at = pixel * params.out_channels + first;
  if (first < params.out_channels) { y[at] = Element(values.x); }
  if (first + LANES < params.out_channels) { y[at + LANES] = Element(values.y); }
  if (first + 2u * LANES < params.out_channels) { y[at + 2u * LANES] = Element(values.z); }
  if (first + 3u * LANES < params.out_channels) { y[at + 3u * LANES] = Element(values.w); }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
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
  let first_pixel = (tile % tiles_of_class) * PIXELS + lane;
  let first_out_channel = workgroup.x * OUT_CHANNELS + lane;
  let vertical = axis_of(residues / pitch, params.kernel_height);
  let horizontal = axis_of(residues % pitch, params.kernel_width);
  let direction = select(1, -1, params.input_gradient != 0u);
  var pixels: array<Pixel, BLOCKS>;
  for (var b = 0u; b < BLOCKS; b++) {
    pixels[b] = pixel_of(first_pixel + LANES * b, rows, columns, vertical, horizontal);
  }

  // Rows of w, in vec4s; out channels beyond the last read the last row and are not written.
  let quads = params.channels / 4u;
  let row_length = params.kernel_height * params.kernel_width * quads;
  let w_rows = min(first_out_channel + LANES * vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.out_channels - 1u)) * row_length;

  // One vec4 per pixel: its components are the 4 out channels of the lane.
  var acc: array<vec4<f32>, PIXELS>;
  var inside: array<bool, BLOCKS>;
  var source: array<u32, BLOCKS>;
  for (var ty = 0u; ty < vertical.taps; ty++) {
    let tap_row = (vertical.first_tap + vertical.step * ty) * params.kernel_width;
    for (var tx = 0u; tx < horizontal.taps; tx++) {
      var needed = false;
      for (var b = 0u; b < BLOCKS; b++) {
        let source_y = pixels[b].y + direction * i32(ty);
        let source_x = pixels[b].x + direction * i32(tx);
        // A negative coordinate is a huge unsigned one.
        inside[b] = pixels[b].written && u32(source_y) < params.height && u32(source_x) < params.width;
        source[b] = select(0u, u32((pixels[b].image + source_y) * i32(params.width) + source_x) * quads, inside[b]);
        needed |= inside[b];
      }
      if (!subgroupAny(needed)) {
        continue;
      }
      let tap = (tap_row + horizontal.first_tap + horizontal.step * tx) * quads;
      for (var quad = 0u; quad < quads; quad++) {
        let at = w_rows + tap + quad;
        let weights = transpose(mat4x4<f32>(
          vec4<f32>(w[at.x]), vec4<f32>(w[at.y]), vec4<f32>(w[at.z]), vec4<f32>(w[at.w]),
        ));
        for (var b = 0u; b < BLOCKS; b++) {
          let mine = select(vec4<f32>(), vec4<f32>(x[source[b] + quad]), inside[b]);
          for (var l = 0u; l < LANES; l++) {
            let i = LANES * b + l;
            acc[i] = multiply_add(acc[i], subgroupShuffle(mine, l), weights[0], weights[1], weights[2], weights[3]);
          }
        }
      }
    }
  }

  for (var b = 0u; b < BLOCKS; b++) {
    let index = select(NOWHERE, pixels[b].index, pixels[b].written);
    for (var l = 0u; l < LANES; l++) {
      write_channels(subgroupShuffle(index, l), first_out_channel, acc[LANES * b + l]);
    }
  }
}
