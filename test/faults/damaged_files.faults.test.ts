/** Binary files, damaged in thousands of ways: refused in one line, or read as something that is whole. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { decodePhoto } from '../../src/data/decode.ts';
import { loadStl10 } from '../../src/data/stl10.ts';
import { decodeNpy, encodeNpy } from '../../src/io/npy.ts';
import { decodeSafetensors, encodeSafetensors, type Safetensors } from '../../src/io/safetensors.ts';
import { scratchFolder } from '../cli/run.ts';
import { damaged, type Edit, edits } from './mutations.ts';
import { survives } from './survives.ts';

vi.setConfig({ testTimeout: 3_600_000 });

const folder = scratchFolder();
const tensors = (): Map<string, { dtype: 'F32' | 'I64'; shape: number[]; data: Float32Array | BigInt64Array }> =>
  new Map([
    ['conv1.weight', { dtype: 'F32', shape: [2, 3, 2], data: Float32Array.from({ length: 12 }, (_, i) => i / 7) }],
    ['bn1.running_mean', { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) }],
    ['bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: BigInt64Array.of(7n) }],
  ]);

/** As long as its shape says, whatever was damaged. */
const consistent = (found: Safetensors): void => {
  for (const { shape, data } of found.tensors.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
};

describe('binary files', () => {
  it('safetensors', async () => {
    const original = encodeSafetensors(tensors(), {
      format: 'simclr-webgpu checkpoint 1',
      settings: '{}',
      progress: '{}',
    });
    const read = (changes: readonly Edit[]) => decodeSafetensors(damaged(original, changes), 'x.safetensors');
    await survives('safetensors', edits, read, consistent);
    // Most of such a file is its header.
    const header = (changes: readonly Edit[]) => {
      const length = Number(Buffer.from(original).readBigUInt64LE(0));
      const text = damaged(original.subarray(8, 8 + length), changes);
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      return decodeSafetensors(Buffer.concat([size, text, original.subarray(8 + length)]), 'x.safetensors');
    };
    await survives('safetensors, the header', edits, header, consistent);
  });

  it('npy', async () => {
    const original = encodeNpy(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [3, 4],
    );
    await survives(
      'npy',
      edits,
      (changes) => decodeNpy(damaged(original, changes), 'x.npy'),
      ({ shape, data }: ReturnType<typeof decodeNpy>) => expect(data.length).toBe(shape.reduce((a, b) => a * b, 1)),
    );
  });

  it('STL-10', async () => {
    const path = join(folder, 'stl10_binary');
    mkdirSync(path);
    const images = 3;
    const pixels = Buffer.alloc(images * 3 * 96 * 96, 100);
    const labels = Buffer.from([1, 10, 5]);
    const names = ['airplane', 'bird', 'car', 'cat', 'deer', 'dog', 'horse', 'monkey', 'ship', 'truck'].join('\n');
    const original = { 'train_X.bin': pixels, 'train_y.bin': labels, 'class_names.txt': Buffer.from(names) };
    const which = fc.constantFrom(...(Object.keys(original) as (keyof typeof original)[]));
    await survives(
      'STL-10’s files',
      fc.record({ which, changes: edits }),
      ({ which: name, changes }) => {
        for (const [file, content] of Object.entries(original))
          writeFileSync(join(path, file), file === name ? damaged(content, changes) : content);
        return loadStl10(path, 'train');
      },
      ({ count, labels: found }: ReturnType<typeof loadStl10>) => {
        expect(found).toHaveLength(count);
        expect(Math.max(...found!)).toBeLessThan(10);
      },
    );
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('photos: %s', async (format) => {
    const side = 24;
    const noise = Buffer.from(Array.from({ length: side * side * 3 }, (_, i) => (i * 7919) % 251));
    const original = await sharp(noise, { raw: { width: side, height: side, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    const file = join(folder, `photo.${format}`);
    await survives(
      `${format.toUpperCase()} photos`,
      edits,
      (changes) => {
        writeFileSync(file, damaged(original, changes));
        // The reason is printed beside the file's name, with what else could not be read.
        return decodePhoto(file, 16).catch(() => undefined);
      },
      (pixels: Uint8Array) => expect(pixels).toHaveLength(16 * 16 * 3),
    );
  });
});
