// Flat index of an invocation in a dispatch that was folded into two dimensions, because a dimension holds at most 65,535
// workgroups: `grid1d` on the host makes such a dispatch, invocations past the end return at once.
fn flat_index(group: vec3<u32>, groups: vec3<u32>, local: u32, size: u32) -> u32 {
  return (group.y * groups.x + group.x) * size + local;
}
