// Four neighbours one by one, for lines of any length; past the end of the line the last one again.
fn a_quad(line: u32, along: u32, pitch: u32) -> vec4<f32> {
  let at = line + min(along + next, vec4(pitch - 1u));
  return vec4<f32>(vec4(a[at.x], a[at.y], a[at.z], a[at.w]));
}
fn b_quad(line: u32, along: u32, pitch: u32) -> vec4<f32> {
  let at = line + min(along + next, vec4(pitch - 1u));
  return vec4<f32>(vec4(b[at.x], b[at.y], b[at.z], b[at.w]));
}
