// A tile of a matrix product through workgroup memory, for GPUs: what the tiled matmul and convolutions share.
//
//   c[i, j] = Σ_k left[i, k] · right[k, j]     i < tile_rows, j < tile_columns
//
// Thread: 8 × 8 of c in registers, as 4 rows and 4 columns in each quarter of the tile. Workgroup: tile_rows · tile_columns / 64
// threads. The sum is walked in steps of tile_depth (8 or 16) terms. In each step a thread brings at most one block of 4 × 4 of
// the next step's matrices into registers (4 loads of 16 bytes, on their way during the products), multiplies the present step, and
// puts the block away; two stages of workgroup memory take turns, so that a step has one barrier.
//
// Workgroup memory holds both matrices by terms: [2 stages][tile_depth][rows of left, then of right], in vec4s along the rows.
// For each term a thread reads 2 + 2 vec4s and does 64 multiply-adds: of the 16 cycles that 4 schedulers need for them, reads take
// 4, because 32 neighbouring threads read 4 different vec4s of the left (128 bytes in both reads) and 8 of the right (a whole line
// of banks each). Registers: 64 sums, 16 operands, 16 on the way, about 24 for addresses: 120, so that 512 threads fit a core.
// The quads of a term are stored in an order turned by exclusive or: blocks of one row's neighbouring terms, which come from
// neighbouring threads because memory runs along them, would else fall on the same banks. Unlike padding this takes no room.

override tile_rows: u32 = 128u;
override tile_columns: u32 = 128u;
override tile_depth: u32 = 16u;
override threads: u32 = tile_rows * tile_columns / 64u;
override row_quads: u32 = tile_rows / 4u;
override column_quads: u32 = tile_columns / 4u;
override depth_quads: u32 = tile_depth / 4u;
override stage_size: u32 = tile_depth * (row_quads + column_quads);
override tile_size: u32 = 2u * stage_size;

var<workgroup> tile: array<vec4<f32>, tile_size>;

fn turned(quad: u32, depth_quad: u32) -> u32 {
  return quad ^ (depth_quad * (8u / depth_quads));
}

// The block that a thread brings in every step: 4 terms by 4 rows of left or columns of right.
struct Block {
  exists: bool,
  of_right: bool,
  quad: u32,        // which 4 rows or columns of the tile
  depth_quad: u32,  // which 4 terms of the step
  to: u32,          // where it lies in a stage
  pitch: u32,       // from a term to the next
}

// Deep: memory runs along the terms. Neighbouring threads bring what is neighbouring in memory.
fn block_of(thread: u32, left_deep: bool, right_deep: bool) -> Block {
  let left_blocks = row_quads * depth_quads;
  var block: Block;
  block.of_right = thread >= left_blocks;
  block.pitch = select(row_quads, column_quads, block.of_right);
  let number = thread - select(0u, left_blocks, block.of_right);
  block.exists = number < block.pitch * depth_quads;
  if (select(left_deep, right_deep, block.of_right)) {
    block.depth_quad = number % depth_quads;
    block.quad = number / depth_quads;
  } else {
    block.quad = number % block.pitch;
    block.depth_quad = number / block.pitch;
  }
  let term = block.depth_quad * 4u * block.pitch;
  block.to = select(0u, tile_depth * row_quads, block.of_right) + term + turned(block.quad, block.depth_quad);
  return block;
}

// Puts a block away whose vec4s are those of one term each.
fn put_terms(block: Block, stage: u32, terms: mat4x4<f32>) {
  if (!block.exists) { return; }
  let to = stage * stage_size + block.to;
  tile[to] = terms[0];
  tile[to + block.pitch] = terms[1];
  tile[to + 2u * block.pitch] = terms[2];
  tile[to + 3u * block.pitch] = terms[3];
}

// Where in the tile a thread's sums lie: rows 4·row_quad + 0…3, the same + tile_rows/2, and columns likewise. 32 neighbouring
// threads make 8 × 4 of them, the shape that reads the fewest bytes.
struct Corner {
  row_quad: u32,
  column_quad: u32,
}

fn corner_of(thread: u32) -> Corner {
  let group = thread / 32u;
  let across = tile_columns / 64u;
  return Corner(group / across * 4u + thread % 32u / 8u, group % across * 8u + thread % 8u);
}

// Sums of a thread: row i of its 8 has its first 4 columns in [2i], the other 4 in [2i + 1].
alias Sums = array<vec4<f32>, 16>;

fn add_term(sums: ptr<function, Sums>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) {
  (*sums)[0] = fma(a.xxxx, c, (*sums)[0]);
  (*sums)[1] = fma(a.xxxx, d, (*sums)[1]);
  (*sums)[2] = fma(a.yyyy, c, (*sums)[2]);
  (*sums)[3] = fma(a.yyyy, d, (*sums)[3]);
  (*sums)[4] = fma(a.zzzz, c, (*sums)[4]);
  (*sums)[5] = fma(a.zzzz, d, (*sums)[5]);
  (*sums)[6] = fma(a.wwww, c, (*sums)[6]);
  (*sums)[7] = fma(a.wwww, d, (*sums)[7]);
  (*sums)[8] = fma(b.xxxx, c, (*sums)[8]);
  (*sums)[9] = fma(b.xxxx, d, (*sums)[9]);
  (*sums)[10] = fma(b.yyyy, c, (*sums)[10]);
  (*sums)[11] = fma(b.yyyy, d, (*sums)[11]);
  (*sums)[12] = fma(b.zzzz, c, (*sums)[12]);
  (*sums)[13] = fma(b.zzzz, d, (*sums)[13]);
  (*sums)[14] = fma(b.wwww, c, (*sums)[14]);
  (*sums)[15] = fma(b.wwww, d, (*sums)[15]);
}

// From a thread's first 4 rows or columns to its other 4.
override far_row: u32 = row_quads / 2u;
override far_column: u32 = column_quads / 2u;
// The last places at which 4 terms of left and right may begin.
override last_left: u32 = tile_size - 1u - 3u * row_quads - far_row;
override last_right: u32 = tile_size - 1u - 3u * column_quads - far_column;

// Adds the tile_depth terms of a stage. `min` changes nothing: it tells Dawn that none of the 16 reads leaves the array, which else
// clamps each of their indices and so keeps the driver from reading at constant distances from one address.
fn add_stage(sums: ptr<function, Sums>, stage: u32, corner: Corner) {
  let left_start = stage * stage_size;
  let right_start = left_start + tile_depth * row_quads;
  for (var quad = 0u; quad < depth_quads; quad++) {
    let l = min(left_start + quad * 4u * row_quads + turned(corner.row_quad, quad), last_left);
    let r = min(right_start + quad * 4u * column_quads + turned(corner.column_quad, quad), last_right);
    add_term(sums, tile[l], tile[l + far_row], tile[r], tile[r + far_column]);
    add_term(
      sums,
      tile[l + row_quads], tile[l + row_quads + far_row],
      tile[r + column_quads], tile[r + column_quads + far_column],
    );
    add_term(
      sums,
      tile[l + 2u * row_quads], tile[l + 2u * row_quads + far_row],
      tile[r + 2u * column_quads], tile[r + 2u * column_quads + far_column],
    );
    add_term(
      sums,
      tile[l + 3u * row_quads], tile[l + 3u * row_quads + far_row],
      tile[r + 3u * column_quads], tile[r + 3u * column_quads + far_column],
    );
  }
}
