// Whether a step changes anything: made = 1 where no step so far met a value that is not finite, and the loss scale let this one pass.
//   before [1], first_non_finite [1], scaler_step [2] → made [1]
// One invocation in all.

@group(0) @binding(0) var<storage, read> before: array<u32>;
@group(0) @binding(1) var<storage, read> first_non_finite: array<u32>;
@group(0) @binding(2) var<storage, read> scaler_step: array<f32>;
@group(0) @binding(3) var<storage, read_write> made: array<u32>;

@compute @workgroup_size(1)
fn main() {
  made[0] = select(0u, 1u, before[0] != 0u && first_non_finite[0] == 0u && scaler_step[0] != 0.0);
}
