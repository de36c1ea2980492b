// Draws the operations that `augment` does to each view; drawn [views N, slots], row r is view ⌊r/N⌋ of the sample indices[r mod N]:
//   operation, magnitude, u, v
// (0: none; u and v uniform in [0, 1): a place, or what noise is drawn from). Slot s chooses one of the rows slots[s].x … + slots[s].y − 1 of
// `table` [E] = (operation, probability, magnitude, 1 where its sign is random), by the draw slots[s].z: slots with one draw choose the
// same place, as the two operations of a sub-policy do. With slots[s].w it is PBA's: the (z + 1)-th row in a random order that passes its
// probability, as long as z is below the number of operations, which is 0, 1 or 2 in 2, 3 and 5 of 10 views.
// Every number is a hash of (seed, epoch, sample, view, draw), as in draw.wgsl. One invocation: one slot of one view.
// #include "lib/grid.wgsl"
// #include "lib/random.wgsl"

struct Params { count: u32, views: u32, slots: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> seeds: array<u32>;
@group(0) @binding(3) var<storage, read> slots: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> drawn: array<vec4<f32>>;

const most_scheduled = 64u;
const choice_draw = 64u; // and one a draw of `slots`; draw.wgsl has the draws before
const slot_draw = 128u; // and four a slot: chance, sign, u, v
const order_draw = 256u; // and one a row
const chance_draw = 320u; // and one a row
const number_draw = 384u;

// The row of the operation with this number in PBA's order; `count` where there is none.
fn scheduled(key: u32, first: u32, count: u32, number: u32) -> u32 {
  let share = uniform01(key, number_draw);
  let operations = u32(share >= 0.2) + u32(share >= 0.5);
  if (number >= operations) { return count; }
  var order: array<u32, most_scheduled>;
  for (var i = 0u; i < count; i++) { order[i] = i; }
  var passed = 0u;
  for (var i = 0u; i < count; i++) {
    let j = i + uniform_below(key, order_draw + i, count - i);
    let row = order[j];
    order[j] = order[i];
    if (uniform01(key, chance_draw + row) < table[first + row].y) {
      if (passed == number) { return row; }
      passed++;
    }
  }
  return count;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u);
  if (i >= params.views * params.count * params.slots) { return; }
  let row = i / params.slots;
  let s = i - row * params.slots;
  let view = row / params.count;
  var key = 0u;
  for (var k = 0u; k < 4u; k++) { key = mix_counter(key, seeds[k]); }
  key = mix_counter(mix_counter(key, indices[row - view * params.count]), view);

  let slot = slots[s];
  let draw = slot_draw + 4u * s;
  var choice = 0u;
  var done = true;
  if (slot.w != 0u) {
    choice = scheduled(key, slot.x, slot.y, slot.z);
    done = choice < slot.y;
  } else {
    choice = uniform_below(key, choice_draw + slot.z, slot.y);
    done = uniform01(key, draw) < table[slot.x + choice].y;
  }
  if (!done) {
    drawn[i] = vec4<f32>();
    return;
  }
  let operation = table[slot.x + choice];
  let negative = operation.w != 0.0 && uniform01(key, draw + 1u) < 0.5;
  let magnitude = select(operation.z, -operation.z, negative);
  drawn[i] = vec4(operation.x, magnitude, uniform01(key, draw + 2u), uniform01(key, draw + 3u));
}
