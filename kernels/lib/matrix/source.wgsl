// What both convolution kernels on matrix units share: how a tap and a quad of channels, and a pixel, find their four elements of
// the source. Addresses that depend on the pixel only stand in a table in workgroup memory, once a row of the block; what depends
// on the tap only is computed once a thread and step (Cursor): an element costs an addition, two comparisons and a load.

// Where the tap's element of a pixel lies, relative to the pixel's first tap, and in the weights.
struct Cursor {
  exists: bool,
  y: i32,
  x: i32,
  shift: i32,   // in quads of the source
  weight: u32,  // in quads, within a row of the weights
}

// Pixels of the block: source coordinates of the first tap, its address in quads, and what is written.
const NOWHERE = vec4<i32>(-0x40000000, 0, 0, -1);

fn inside(pixel: vec4<i32>, cursor: Cursor) -> bool {
  // A negative coordinate is a huge unsigned one.
  return cursor.exists && u32(pixel.x + cursor.y) < params.height && u32(pixel.y + cursor.x) < params.width;
}
