// A block of a matrix product, ROWS × COLUMNS sums of f16 products in f32, as every kernel on matrix units computes it.
//
// The kernel says what the factors are (tile_of, prepare, prepare_step, first_cursor, advance, left_at, right_at, write_sums), a file beside this one
// what a fragment is: on matrix units (units.wgsl) or emulated (emulated.wgsl). M, N, K are the sizes of one multiplication.
//
// Workgroup: THREADS threads, of which the first 4 subgroups multiply, each FRAGMENT_ROWS × FRAGMENT_COLUMNS fragments (4 or 2): with
// 16 × 16 × 16 blocks of 128 × 128, 128 × 64 or 64 × 128. The depth is walked in steps of BLOCK_K: while a block is multiplied, each
// thread holds the next one in registers, on its way from global to workgroup memory. An operand lies in workgroup memory as it
// lies in global memory, rows of BLOCK_K or, ACROSS, lines of all rows for one k: nothing is transposed, words of four components
// are moved.
//
// Cost, at 128 × 128 × 32, f16: 32 multiplications (16 × 16 × 16) a subgroup and step for 16 fragments loaded; 16 KiB of global
// memory for 2 · 128 · 128 · 32 FLOP (64 FLOP a byte; L2 serves neighbouring blocks). A thread keeps 128 sums, 32 registers of the next
// block and 20 of fragments: below 255, so that 2 workgroups share a core of 64 Ki registers and one computes while the
// other waits. Workgroup memory: 20 KiB, and tables of 2 KiB. What a thread computes for addresses is counted along, not divided:
// Mesa's compiler (RDNA 3) makes about 320 instructions of a step of the implicit-GEMM convolution, the 32 multiplications
// included.
//
// Sums go through workgroup memory, for fragments have no elements: strips of M rows of each subgroup, over the operands.
// Order of sums: k ascending within a block of the split depth, always the same.

override THREADS: u32 = 128;
override BLOCK_K: u32 = 32;
override FRAGMENT_ROWS: u32 = 4;
override FRAGMENT_COLUMNS: u32 = 4;
// Whether there may be more than 4 subgroups.
override SPARE_SUBGROUPS: bool = true;
// Whether an operand lies k by k, instead of row by row (of the left) and column by column (of the right).
override LEFT_ACROSS: bool = false;
override RIGHT_ACROSS: bool = false;

override ROWS: u32 = 2u * FRAGMENT_ROWS * M;
override COLUMNS: u32 = 2u * FRAGMENT_COLUMNS * N;

// Words of a line, and from line to line.
override LEFT_LINE: u32 = select(BLOCK_K, ROWS, LEFT_ACROSS) / 4u;
override RIGHT_LINE: u32 = select(BLOCK_K, COLUMNS, RIGHT_ACROSS) / 4u;
override LEFT_STRIDE: u32 = LEFT_LINE + PAD;
override RIGHT_STRIDE: u32 = RIGHT_LINE + PAD;
override LEFT_WORDS: u32 = select(ROWS, BLOCK_K, LEFT_ACROSS) * LEFT_STRIDE;
override RIGHT_WORDS: u32 = select(COLUMNS, BLOCK_K, RIGHT_ACROSS) * RIGHT_STRIDE;
// Words that each thread moves, one in each of as many lines, so many lines apart: THREADS is a multiple of the words of a line.
override LEFT_SLOTS: u32 = ROWS * BLOCK_K / 4u / THREADS;
override RIGHT_SLOTS: u32 = COLUMNS * BLOCK_K / 4u / THREADS;
override LEFT_LINES: u32 = THREADS / LEFT_LINE;
override RIGHT_LINES: u32 = THREADS / RIGHT_LINE;

// A strip of sums of one subgroup, in fours and in words.
override STRIP_LINE: u32 = FRAGMENT_COLUMNS * N / 4u;
override STRIP_STRIDE: u32 = (STRIP_LINE + 2u) * WORDS_PER_SUMS;
override STRIP_WORDS: u32 = M * STRIP_STRIDE;

override MEMORY_WORDS: u32 = max(LEFT_WORDS + RIGHT_WORDS, 4u * STRIP_WORDS);
var<workgroup> memory: array<Word, MEMORY_WORDS>;

// Four components on their way, and whether they are such of the matrix: if not, they count as zeros. Only when they are put away are
// they made zeros, and loads stand behind no condition: a driver that has to merge a loaded value with another waits for it there,
// before the products that are to hide its way.
struct Fetched {
  values: vec2<u32>,
  exists: bool,
}

alias Block = array<Fetched, 8>;

// Slots are written out, not looped over, so that they stay in registers whatever a compiler makes of loops.
fn left_slot(tile: Tile, cursor: Cursor, thread: u32, slot: u32) -> Fetched {
  if (slot >= LEFT_SLOTS) {
    return Fetched();
  }
  return left_at(tile, cursor, thread / LEFT_LINE + slot * LEFT_LINES, thread % LEFT_LINE);
}

fn right_slot(tile: Tile, cursor: Cursor, thread: u32, slot: u32) -> Fetched {
  if (slot >= RIGHT_SLOTS) {
    return Fetched();
  }
  return right_at(tile, cursor, thread / RIGHT_LINE + slot * RIGHT_LINES, thread % RIGHT_LINE);
}

fn fetch_left(tile: Tile, cursor: Cursor, thread: u32) -> Block {
  return Block(
    left_slot(tile, cursor, thread, 0u), left_slot(tile, cursor, thread, 1u),
    left_slot(tile, cursor, thread, 2u), left_slot(tile, cursor, thread, 3u),
    left_slot(tile, cursor, thread, 4u), left_slot(tile, cursor, thread, 5u),
    left_slot(tile, cursor, thread, 6u), left_slot(tile, cursor, thread, 7u),
  );
}

fn fetch_right(tile: Tile, cursor: Cursor, thread: u32) -> Block {
  return Block(
    right_slot(tile, cursor, thread, 0u), right_slot(tile, cursor, thread, 1u),
    right_slot(tile, cursor, thread, 2u), right_slot(tile, cursor, thread, 3u),
    right_slot(tile, cursor, thread, 4u), right_slot(tile, cursor, thread, 5u),
    right_slot(tile, cursor, thread, 6u), right_slot(tile, cursor, thread, 7u),
  );
}

fn word(fetched: Fetched, checked: bool) -> Word {
  return word_of(select(vec2<u32>(), fetched.values, fetched.exists || !checked));
}

// From a thread's word to its next, and the last place at which its first one can lie. `min` changes nothing: it tells Dawn that no
// word leaves the memory, which else clamps each of their places and so keeps the driver from counting them from one address.
override LEFT_JUMP: u32 = LEFT_LINES * LEFT_STRIDE;
override RIGHT_JUMP: u32 = RIGHT_LINES * RIGHT_STRIDE;
override LEFT_LAST: u32 = LEFT_WORDS - 1u - (LEFT_SLOTS - 1u) * LEFT_JUMP;
override RIGHT_LAST: u32 = LEFT_WORDS + RIGHT_WORDS - 1u - (RIGHT_SLOTS - 1u) * RIGHT_JUMP;

fn keep_left(thread: u32, left: Block) {
  let at = min(thread / LEFT_LINE * LEFT_STRIDE + thread % LEFT_LINE, LEFT_LAST);
  memory[at] = word(left[0], LEFT_CHECKED);
  if (LEFT_SLOTS > 1u) { memory[at + LEFT_JUMP] = word(left[1], LEFT_CHECKED); }
  if (LEFT_SLOTS > 2u) { memory[at + 2u * LEFT_JUMP] = word(left[2], LEFT_CHECKED); }
  if (LEFT_SLOTS > 3u) { memory[at + 3u * LEFT_JUMP] = word(left[3], LEFT_CHECKED); }
  if (LEFT_SLOTS > 4u) { memory[at + 4u * LEFT_JUMP] = word(left[4], LEFT_CHECKED); }
  if (LEFT_SLOTS > 5u) { memory[at + 5u * LEFT_JUMP] = word(left[5], LEFT_CHECKED); }
  if (LEFT_SLOTS > 6u) { memory[at + 6u * LEFT_JUMP] = word(left[6], LEFT_CHECKED); }
  if (LEFT_SLOTS > 7u) { memory[at + 7u * LEFT_JUMP] = word(left[7], LEFT_CHECKED); }
}

fn keep_right(thread: u32, right: Block) {
  let at = min(LEFT_WORDS + thread / RIGHT_LINE * RIGHT_STRIDE + thread % RIGHT_LINE, RIGHT_LAST);
  memory[at] = word(right[0], RIGHT_CHECKED);
  if (RIGHT_SLOTS > 1u) { memory[at + RIGHT_JUMP] = word(right[1], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 2u) { memory[at + 2u * RIGHT_JUMP] = word(right[2], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 3u) { memory[at + 3u * RIGHT_JUMP] = word(right[3], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 4u) { memory[at + 4u * RIGHT_JUMP] = word(right[4], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 5u) { memory[at + 5u * RIGHT_JUMP] = word(right[5], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 6u) { memory[at + 6u * RIGHT_JUMP] = word(right[6], RIGHT_CHECKED); }
  if (RIGHT_SLOTS > 7u) { memory[at + 7u * RIGHT_JUMP] = word(right[7], RIGHT_CHECKED); }
}

// Fragments of a subgroup's part of the block: rows from (subgroup / 2) · ROWS / 2 on, columns from (subgroup % 2) · COLUMNS / 2 on.
fn left_fragment(subgroup: u32, number: u32, k: u32) -> Left {
  let row = (subgroup / 2u * FRAGMENT_ROWS + number) * M;
  return load_left(select(row * LEFT_STRIDE + k / 4u, k * LEFT_STRIDE + row / 4u, LEFT_ACROSS));
}

fn right_fragment(subgroup: u32, number: u32, k: u32) -> Right {
  let column = (subgroup % 2u * FRAGMENT_COLUMNS + number) * N;
  return load_right(LEFT_WORDS + select(column * RIGHT_STRIDE + k / 4u, k * RIGHT_STRIDE + column / 4u, RIGHT_ACROSS));
}

// The sums of a column of fragments are constants apart in an array of their own, and so stay in registers, too.
alias Column = array<Sums, 4>;

fn multiply_block(
  subgroup: u32,
  a: ptr<function, Column>,
  b: ptr<function, Column>,
  c: ptr<function, Column>,
  d: ptr<function, Column>,
) {
  for (var k = 0u; k < BLOCK_K; k += K) {
    let left_0 = left_fragment(subgroup, 0u, k);
    let left_1 = left_fragment(subgroup, 1u, k);
    // Flat blocks have two; the others are not used.
    let left_2 = left_fragment(subgroup, min(2u, FRAGMENT_ROWS - 1u), k);
    let left_3 = left_fragment(subgroup, FRAGMENT_ROWS - 1u, k);
    multiply_column(left_0, left_1, left_2, left_3, right_fragment(subgroup, 0u, k), a);
    multiply_column(left_0, left_1, left_2, left_3, right_fragment(subgroup, 1u, k), b);
    if (FRAGMENT_COLUMNS == 4u) {
      multiply_column(left_0, left_1, left_2, left_3, right_fragment(subgroup, 2u, k), c);
      multiply_column(left_0, left_1, left_2, left_3, right_fragment(subgroup, 3u, k), d);
    }
  }
}

// A row of fragments into the strip of its subgroup.
fn store_row(subgroup: u32, a: Sums, b: Sums, c: Sums, d: Sums) {
  if (subgroup < 4u) {
    let at = subgroup * STRIP_WORDS;
    let next = N / 4u * WORDS_PER_SUMS;
    store_sums(at, a);
    store_sums(at + next, b);
    if (FRAGMENT_COLUMNS == 4u) {
      store_sums(at + 2u * next, c);
      store_sums(at + 3u * next, d);
    }
  }
}

// The strips of row `number` of fragments to where the kernel writes sums.
fn write_strips(tile: Tile, thread: u32, number: u32) {
  for (var i = thread; i < 4u * M * STRIP_LINE; i += THREADS) {
    let strip = i / (M * STRIP_LINE);
    let line = i / STRIP_LINE % M;
    let four = i % STRIP_LINE;
    let row = (strip / 2u * FRAGMENT_ROWS + number) * M + line;
    let column = strip % 2u * (COLUMNS / 2u) + four * 4u;
    write_sums(tile, row, column, four_sums(strip * STRIP_WORDS + line * STRIP_STRIDE + four * WORDS_PER_SUMS));
  }
}

fn run(group: vec3<u32>, groups: vec3<u32>, thread: u32, subgroup: u32) {
  let tile = tile_of(group, groups);
  if (!tile.exists) {
    return;
  }
  var a: Column;
  var b: Column;
  var c: Column;
  var d: Column;
  prepare(tile, thread);
  prepare_step(tile, thread, 0u);
  var cursor = first_cursor(tile, thread);
  workgroupBarrier();
  keep_left(thread, fetch_left(tile, cursor, thread));
  keep_right(thread, fetch_right(tile, cursor, thread));
  prepare_step(tile, thread, 1u);
  workgroupBarrier();
  // The last step fetches and keeps a block of which no term exists.
  for (var step = 0u; step < tile.steps; step++) {
    cursor = advance(tile, cursor);
    prepare_step(tile, thread, step + 2u);
    // No condition stands between loads and products: Mesa's compiler would move the loads behind it, where they are waited for at once.
    var left: Block;
    var right: Block;
    if (SPARE_SUBGROUPS && subgroup >= 4u) {
      left = fetch_left(tile, cursor, thread);
      right = fetch_right(tile, cursor, thread);
    } else {
      left = fetch_left(tile, cursor, thread);
      right = fetch_right(tile, cursor, thread);
      multiply_block(subgroup, &a, &b, &c, &d);
    }
    workgroupBarrier();
    keep_left(thread, left);
    keep_right(thread, right);
    workgroupBarrier();
  }
  for (var number = 0u; number < FRAGMENT_ROWS; number++) {
    switch (number) {
      case 0u: { store_row(subgroup, a[0], b[0], c[0], d[0]); }
      case 1u: { store_row(subgroup, a[1], b[1], c[1], d[1]); }
      case 2u: { store_row(subgroup, a[2], b[2], c[2], d[2]); }
      default: { store_row(subgroup, a[3], b[3], c[3], d[3]); }
    }
    workgroupBarrier();
    write_strips(tile, thread, number);
    workgroupBarrier();
  }
}
