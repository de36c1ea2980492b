// The two inputs that an output reads along an axis, and the weight of the second: src = (o + ½) inputs / outputs − ½,
// at least 0. Counted in 1 / (2 outputs), so that all is exact: forward and backward agree on what is read.
struct Taps { low: u32, high: u32, weight: f32 }

fn taps(output: u32, inputs: u32, outputs: u32) -> Taps {
  let unit = 2u * outputs;
  let centre = (2u * output + 1u) * inputs;
  let source = max(centre, outputs) - outputs;
  let low = source / unit;
  return Taps(low, min(low + 1u, inputs - 1u), f32(source - low * unit) / f32(unit));
}
