// What the kernels of the implicit-GEMM convolution share: its interface, and how pixels map to source coordinates and taps.
// Whoever includes this says what the tensors hold: `Element` f32 or f16, `Value` four of them. Sums are f32 in either case.

// #include "lib/conv2d/implicit_gemm_params.wgsl"

@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> w: array<Value>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

// How one spatial axis of the pixels maps to source coordinates and taps:
// the pixel with number j writes at first + step·j and reads, for t < taps, source origin + scale·j + direction·t
// with tap first_tap + tap_step·t.
struct Axis {
  first: u32,
  step: u32,
  scale: i32,
  origin: i32,
  first_tap: u32,
  taps: u32,
}

fn axis_of(residue: u32, kernel: u32) -> Axis {
  if (params.input_gradient == 0u) {
    return Axis(0u, 1u, i32(params.stride), -i32(params.padding), 0u, kernel);
  }
  let remainder = (residue + params.padding) % params.stride;
  let taps = select(0u, (kernel - remainder + params.stride - 1u) / params.stride, remainder < kernel);
  return Axis(residue, params.stride, 1, i32((residue + params.padding) / params.stride), remainder, taps);
}

// A pixel: where it is written (written: whether it exists), where its patch starts, and the image's first source row.
struct Pixel {
  written: bool,
  index: u32,
  y: i32,
  x: i32,
  image: i32,
}

fn pixel_of(number: u32, rows: u32, columns: u32, vertical: Axis, horizontal: Axis) -> Pixel {
  let image = number % params.batch;
  let place = number / params.batch;
  let column = place % columns;
  let row = place / columns;
  let out_y = vertical.first + vertical.step * row;
  let out_x = horizontal.first + horizontal.step * column;
  var pixel: Pixel;
  pixel.written = row < rows && out_y < params.out_height && out_x < params.out_width;
  pixel.index = (image * params.out_height + out_y) * params.out_width + out_x;
  pixel.y = vertical.origin + vertical.scale * i32(row);
  pixel.x = horizontal.origin + horizontal.scale * i32(column);
  pixel.image = i32(image * params.height);
  return pixel;
}

// acc[p] + Σ_k weight[k] · x_p[k] for 4 pixels p: xk holds component k of the 4 pixels. A chain on the accumulator, not a
// dot product: on lavapipe an accumulator that does not fit a register is then loaded and stored once for 4 products.
fn multiply_add(acc: vec4<f32>, weight: vec4<f32>, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>) -> vec4<f32> {
  return fma(x3, weight.wwww, fma(x2, weight.zzzz, fma(x1, weight.yyyy, fma(x0, weight.xxxx, acc))));
}
