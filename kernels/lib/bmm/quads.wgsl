// Four neighbours as one element of memory: lines are of whole vec4s.
fn a_quad(line: u32, along: u32, pitch: u32) -> vec4<f32> { return vec4<f32>(a[(line + along) / 4u]); }
fn b_quad(line: u32, along: u32, pitch: u32) -> vec4<f32> { return vec4<f32>(b[(line + along) / 4u]); }
