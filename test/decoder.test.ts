/** Decoders make pictures of any size, of three colours in four channels. */
import { expect, it } from 'vitest';
import { constant, trace } from '../src/graph/trace.ts';
import { Decoder, decoderKinds } from '../src/nn/decoder.ts';
import { noise } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const sides = [4, 7, 8, 16, 20, 23, 32];
const cases = decoderKinds.flatMap((kind) => sides.map((side) => ({ kind, side })));

it.each(cases)('$kind to $side pixels', ({ kind, side }) => {
  const decoder = new Decoder({ name: 'decoder', features: 6, side, channels: 4, kind, tanh: side === 8, seed: 1 });
  const { graph, result } = trace(() =>
    decoder.forward(constant('features', noise(12, 3), [2, 6]), { training: true, precision: 'f32' }),
  );
  expect(result.shape).toEqual([2, side, side, 4]);
  const values = interpret(graph).get(result)!;
  const colours = [...values].filter((_, i) => i % 4 < 3);
  expect([...values].every((value, i) => i % 4 < 3 || value === 0)).toBe(true);
  // Where ReLU leaves nothing of a neighbourhood, which is seldom, the picture is its bias, zero.
  expect(colours.filter((value) => value !== 0).length).toBeGreaterThan(colours.length / 2);
  expect(Math.max(...values.map(Math.abs))).toBeLessThan(1); // about grey at first
});
