// Products of blocks of 4 × 4 whose left factor comes from the whole quad: what the kernels of matmul and InfoNCE that use subgroups
// share. On software rasterisers a load costs as much as dozens of products and a quad broadcast as one instruction, so the
// 4 threads of a quad want the same rows of one factor, load a quarter of them each, and have all from each other. A thread has 16 rows
// times 4 of its own: 64 sums and 8 loads of 4 terms each for 256 products.
//
// Whoever includes this enables subgroups, calls it in uniform control flow, and numbers its threads by subgroup and lane, so that a
// quad is 4 neighbours. Right for every subgroup size: only quads are used.

// What the 4 threads of the quad hold, one a column.
fn of_quad(mine: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(quadBroadcast(mine, 0u), quadBroadcast(mine, 1u), quadBroadcast(mine, 2u), quadBroadcast(mine, 3u));
}

// acc + Σ_k left[k] · weights[k], as a chain on the accumulator: on lavapipe one that does not fit a register is then loaded and
// stored once for 4 products.
fn multiply_add(acc: vec4<f32>, left: mat4x4<f32>, weights: vec4<f32>) -> vec4<f32> {
  return fma(left[3], weights.wwww, fma(left[2], weights.zzzz, fma(left[1], weights.yyyy, fma(left[0], weights.xxxx, acc))));
}

// acc[j] + Σ_k left[k] · right[j][k]: left holds 4 rows for each of 4 terms, right 4 terms for each of 4 columns.
fn add_products(acc: mat4x4<f32>, left: mat4x4<f32>, right: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    multiply_add(acc[0], left, right[0]),
    multiply_add(acc[1], left, right[1]),
    multiply_add(acc[2], left, right[2]),
    multiply_add(acc[3], left, right[3]),
  );
}
