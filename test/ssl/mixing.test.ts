/** MixUp and CutMix: what is drawn, which rows are mixed, and i-Mix's loss. */
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/trace.ts';
import { iMix } from '../../src/losses/i_mix.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { drawMix, mixPartners, mixViews, shareOutside } from '../../src/ssl/mixing.ts';
import { run } from '../golden/harness.ts';
import { sample, testCases, testGradient } from '../ops/harness.ts';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const steps = Array.from({ length: 4000 }, (_, i) => i + 1);

describe('draws', () => {
  it.each([0.2, 1, 4])('λ is Beta(α, α), α = %s: its mean and its variance', (mixAlpha) => {
    const shares = steps.map((step) => drawMix({ mix: 'mixup', mixAlpha }, { seed: 3, step }, 32).share);
    const variance = mean(shares.map((share) => (share - 0.5) ** 2));
    const expected = 1 / (4 * (2 * mixAlpha + 1));
    expect(Math.abs(mean(shares) - 0.5)).toBeLessThan(4 * Math.sqrt(expected / shares.length));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.08);
  });

  it('a box is within the picture, of the side that λ asks for unless it is clipped, and λ is what it leaves', () => {
    for (const step of steps.slice(0, 500)) {
      const time = { seed: 1, step };
      const { box, share } = drawMix({ mix: 'cutmix', mixAlpha: 1 }, time, 24);
      const { share: asked } = drawMix({ mix: 'mixup', mixAlpha: 1 }, time, 24);
      const { left, top, right, bottom } = box;
      expect(Math.min(left, top, 24 - right, 24 - bottom, right - left, bottom - top)).toBeGreaterThanOrEqual(0);
      expect(share).toBe(shareOutside(24, box));
      const side = 2 * Math.floor(Math.trunc(24 * Math.sqrt(1 - asked)) / 2);
      if (left > 0 && right < 24) expect(right - left).toBe(side);
      expect(share).toBeGreaterThanOrEqual(1 - (side / 24) ** 2 - 1e-12);
    }
  });

  it('is a function of seed, step and view', () => {
    const of = (seed: number, step: number, view: number) =>
      drawMix({ mix: 'cutmix', mixAlpha: 1 }, { seed, step }, 99, view).box;
    expect(of(1, 2, 0)).toEqual(of(1, 2, 0));
    for (const other of [of(2, 2, 0), of(1, 3, 0), of(1, 2, 1)]) expect(other).not.toEqual(of(1, 2, 0));
  });
});

it('partners are the rows that views are mixed with, piece by piece', async () => {
  const feeds = new StepFeeds(3);
  const partners: number[] = [];
  const { y } = await run('reference', () => {
    const x = constant('x', Float32Array.of(1, 2, 3), [3, 1, 1, 1]);
    const zero = { ...feeds, scalar: (name: string) => constant(name, Float32Array.of(0)) } as unknown as StepFeeds;
    const tensor = mixPartners(6, 3);
    if (tensor.origin.kind === 'constant') partners.push(...tensor.origin.data);
    return { y: mixViews(x, zero, { mix: 'mixup', mixAlpha: 1 }) };
  });
  expect([...y]).toEqual([3, 2, 1]);
  expect(partners).toEqual([2, 1, 0, 5, 4, 3]);
});

const loss = (share: number, withQueue: boolean) => {
  const [q, k] = [l2Normalize(sample('q', [4, 5])), l2Normalize(sample('k', [4, 5]))];
  const queue = withQueue ? { queue: l2Normalize(sample('queue', [6, 5])) } : {};
  const options = { ...queue, temperature: 0.3, partner: mixPartners(4) };
  return { q, k, ...iMix(q, k, { ...options, share: constant('share', Float32Array.of(share)) }), queue };
};

testCases(
  [false, true].map((withQueue) => ({
    name: `i-Mix and its gradients${withQueue ? ', with a queue' : ''}`,
    build() {
      const { q, k, loss: value, accuracy } = loss(0.3, withQueue);
      const [dq, dk] = gradients(value, [q, k]);
      return { value, accuracy, dq, dk };
    },
  })),
);

testGradient('i-Mix', () => {
  const q = sample('q', [4, 5]);
  const k = sample('k', [4, 5]);
  const share = constant('share', Float32Array.of(0.3));
  const { loss: y } = iMix(q, k, { share, partner: mixPartners(4), temperature: 0.7 });
  const dy = sample('dy', [1]);
  return { y, dy, targets: [q], dx: gradients(y, [q], dy) };
});

it('i-Mix with λ = 1 is InfoNCE, and with two images and λ = 1/2 both are as likely', async () => {
  const values = await run('reference', () => {
    const { q, k, loss: whole } = loss(1, false);
    return { whole, plain: infoNce(q, k, { temperature: 0.3 }).loss };
  });
  expect(values['whole'][0]).toBeCloseTo(values['plain'][0], 6);
});
