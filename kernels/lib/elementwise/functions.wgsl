// Functions that WGSL lacks, or promises too little of: right to some 2e-7 of the value in f32, for any argument.

// erf(x): x + x·p(x²) near 0, beyond it 1 − exp(p(|x|)) (minimax fits after N. Juffa). It is 1 in f32 from 4 on.
fn erf(x: f32) -> f32 {
  let t = min(abs(x), 4.0);
  let s = t * t;
  if (t <= 0.927734375) {
    var p = -5.96761703e-4;
    p = fma(p, s, 4.99119423e-3);
    p = fma(p, s, -2.67681349e-2);
    p = fma(p, s, 1.12819925e-1);
    p = fma(p, s, -3.76125336e-1);
    p = fma(p, s, 1.28379166e-1);
    return fma(p, x, x);
  }
  var p = fma(fma(-1.72853470e-5, t, 3.83197126e-4), s, fma(-3.88396438e-3, t, 2.42546219e-2));
  p = fma(p, t, -1.06777877e-1);
  p = fma(p, t, -6.34846687e-1);
  p = fma(p, t, -1.28717512e-1);
  return sign(x) * (1.0 - exp(fma(p, t, -t)));
}

// Φ(x), the share of a standard normal distribution below x.
fn normal_cdf(x: f32) -> f32 { return 0.5 + 0.5 * erf(x * 0.70710678); }

// Its density φ(x).
fn normal_density(x: f32) -> f32 { return 0.39894228 * exp(-0.5 * x * x); }

// 1 / (1 + exp(−x)); the exponential is of −|x|, so that it never overflows.
fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// tanh(x): an odd polynomial near 0, where 1 − 2 / (exp(2|x|) + 1) cancels (fit of Cephes). It is 1 in f32 from 10 on.
fn hyperbolic_tangent(x: f32) -> f32 {
  let s = x * x;
  if (s < 0.390625) {
    var p = -5.70498872745e-3;
    p = fma(p, s, 2.06390887954e-2);
    p = fma(p, s, -5.37397155531e-2);
    p = fma(p, s, 1.33314422036e-1);
    p = fma(p, s, -3.33332819422e-1);
    return fma(p * s, x, x);
  }
  return sign(x) * (1.0 - 2.0 / (exp(2.0 * min(abs(x), 10.0)) + 1.0));
}

// log(1 + e) for 0 ≤ e ≤ 1: 2 artanh(s), s = e / (2 + e) ≤ 1/3, by its series; log itself may be off by 5e-7 near 1.
fn log_one_plus(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let z = s * s;
  var p = 1.0 / 13.0;
  p = fma(p, z, 1.0 / 11.0);
  p = fma(p, z, 1.0 / 9.0);
  p = fma(p, z, 1.0 / 7.0);
  p = fma(p, z, 1.0 / 5.0);
  p = fma(p, z, 1.0 / 3.0);
  return 2.0 * s * fma(p, z, 1.0);
}
