// What both convolution kernels on matrix units share: how a tap and a quad of channels, and a pixel, find their four elements of
// the source. Addresses that depend on the pixel only stand in a table in workgroup memory, once a row of the block; what depends
// on the tap only is computed once a thread and step: a quad costs three additions, two comparisons and a load.

// A row of the table: source coordinates of the first tap, its address in quads, and the pixel's number. Here, that of no pixel.
const NOWHERE = vec4<i32>(-0x40000000, 0, 0, -1);

// A tap and a quad of channels: coordinates of its element relative to the pixel's first tap, and its address in quads.
struct Element {
  exists: bool,
  y: i32,
  x: i32,
  shift: i32,
}

fn element_at(exists: bool, y: i32, x: i32, quad: u32) -> Element {
  let quads = i32(params.channels / 4u);
  return Element(exists, y, x, y * (i32(params.width) * quads) + x * quads + i32(quad));
}

fn inside(pixel: vec4<i32>, element: Element) -> bool {
  // A negative coordinate is a huge unsigned one.
  return element.exists && u32(pixel.x + element.y) < params.height && u32(pixel.y + element.x) < params.width;
}
