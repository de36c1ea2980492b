// Dynamic loss scaling, the rule of PyTorch's GradScaler, when `check_finite` has looked for NaN and infinity in the scaled
// gradients and left its mark in `found_inf`:
//   none found:  the step counts; after `growth_interval` such steps in a row scale *= growth, if that is finite
//   found:       the step is skipped and scale *= backoff
// first_non_finite is set, and from then on nothing changes, where the loss itself is not finite, or where the scale would fall
// below 1: then no scale would have helped. The scale is left as it was, so that the step can be run again to look for the fault.
//
//   counts [3] = good steps since the scale changed, good steps, skipped steps
//   scaler_step [2] = 1/scale and the number of the good step, or 0 and 0 where the step is skipped
//
// One invocation in all.

struct Params { growth_interval: u32, growth: f32, backoff: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> loss: array<u32>;
@group(0) @binding(2) var<storage, read> step: array<u32>;
@group(0) @binding(3) var<storage, read_write> found_inf: array<u32>;
@group(0) @binding(4) var<storage, read_write> scale: array<f32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> first_non_finite: array<u32>;
@group(0) @binding(7) var<storage, read_write> scaler_step: array<f32>;

const exponent = 0x7f800000u;

@compute @workgroup_size(1)
fn main() {
  let found = found_inf[0] != 0u;
  found_inf[0] = 0u;
  scaler_step[0] = 0.0;
  scaler_step[1] = 0.0;
  let lossy = (loss[0] & exponent) == exponent;
  let fallen = found && scale[0] * params.backoff < 1.0;
  if (first_non_finite[0] == 0u && (lossy || fallen)) { first_non_finite[0] = step[0]; }
  if (first_non_finite[0] != 0u) { return; }
  if (found) {
    scale[0] *= params.backoff;
    counts[0] = 0u;
    counts[2]++;
    return;
  }
  scaler_step[0] = 1.0 / scale[0];
  counts[0]++;
  counts[1]++;
  scaler_step[1] = f32(counts[1]);
  if (counts[0] == params.growth_interval) {
    counts[0] = 0u;
    let grown = scale[0] * params.growth;
    if ((bitcast<u32>(grown) & exponent) != exponent) { scale[0] = grown; }
  }
}
