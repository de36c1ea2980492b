// The operations of augmentation policies, in the order of `operationNames` in src/ops/augment_operations.ts.
const shear_x = 1u;
const shear_y = 2u;
const translate_x = 3u;
const translate_y = 4u;
const rotate = 5u;
const turn = 6u;
const saturation = 7u;
const sharpness = 8u;
const cutout = 9u;
const gaussian_noise = 10u;
// From here on functions of a channel's byte: a curve of 256 values.
const first_curve = 11u;
const brightness = 11u;
const contrast = 12u;
const posterize = 13u;
const solarize = 14u;
const solarize_add = 15u;
const invert = 16u;
const auto_contrast = 17u;
const equalize = 18u;

// The nearest bytes of colours in [0, 1].
fn bytes_of(c: vec3<f32>) -> vec3<f32> { return floor(clamp(c, vec3(0.0), vec3(1.0)) * 255.0 + 0.5); }
