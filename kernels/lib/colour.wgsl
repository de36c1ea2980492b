// torchvision's colour operations on a pixel with values in [0, 1].
fn grey(c: vec3<f32>) -> f32 { return dot(c, vec3(0.2989, 0.587, 0.114)); }

// f·c + (1 − f)·other, clamped.
fn blend(c: vec3<f32>, other: f32, factor: f32) -> vec3<f32> {
  return clamp(factor * c + (1.0 - factor) * other, vec3(0.0), vec3(1.0));
}

// Turns the hue by `shift` of a full circle, by way of hue, saturation and value.
fn shift_hue(c: vec3<f32>, shift: f32) -> vec3<f32> {
  let value = max(c.r, max(c.g, c.b));
  let chroma = value - min(c.r, min(c.g, c.b));
  if (chroma == 0.0) { return c; }
  let d = (vec3(value) - c) / chroma;
  var sixths = d.b - d.g;
  if (value != c.r) { sixths = select(4.0 + d.g - d.r, 2.0 + d.r - d.b, value == c.g); }
  let hue = sixths / 6.0 + 1.0 + shift;
  let turn = 6.0 * (hue - floor(hue));
  let saturation = chroma / value;
  let sector = floor(turn);
  let f = turn - sector;
  let p = value * (1.0 - saturation);
  let q = value * (1.0 - saturation * f);
  let t = value * (1.0 - saturation * (1.0 - f));
  switch (u32(sector)) {
    case 1u: { return vec3(q, value, p); }
    case 2u: { return vec3(p, value, t); }
    case 3u: { return vec3(p, q, value); }
    case 4u: { return vec3(t, p, value); }
    case 5u: { return vec3(value, p, q); }
    default: { return vec3(value, t, p); }
  }
}

// One operation of the jitter: 0 none, 1 brightness, 2 contrast, 3 saturation, 4 hue. `factors` are theirs, `mean` is the view's mean
// grey where contrast comes.
fn jitter(c: vec3<f32>, operation: f32, factors: vec4<f32>, mean: f32) -> vec3<f32> {
  switch (u32(operation)) {
    case 1u: { return blend(c, 0.0, factors.x); }
    case 2u: { return blend(c, mean, factors.y); }
    case 3u: { return blend(c, grey(c), factors.z); }
    case 4u: { return shift_hue(c, factors.w); }
    default: { return c; }
  }
}
