/** Event files, read back by a decoder of this test: frames, checksums bit by bit, and messages field by field. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { EventFile } from '../../src/tensorboard/event_file.ts';
import { crc32c, framed } from '../../src/tensorboard/records.ts';
import { scalar } from '../../src/tensorboard/schema.ts';
import { TensorBoardLog, tagOf } from '../../src/train/tensorboard_log.ts';
import { eventsIn, visibleScalars } from './read_events.ts';

const scratch = mkdtempSync(join(tmpdir(), 'simclr-events-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let number = 0;
const folder = () => join(scratch, String(number++));

it('CRC-32C is that of RFC 3720, B.4', () => {
  const vectors: [Uint8Array, number][] = [
    [Buffer.from('123456789'), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(255), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ];
  for (const [bytes, crc] of vectors) expect(crc32c(bytes)).toBe(crc);
});

it('a record is its length, a masked checksum of that, its bytes, and one of them', () => {
  // The first record of an event file that TensorFlow wrote.
  const event = Buffer.from('0900000000000000001a0d627261696e2e4576656e743a32', 'hex').subarray(0, 24);
  const record = framed(event);
  expect(record.readBigUInt64LE(0)).toBe(24n);
  expect(record.subarray(12, 36)).toEqual(event);
  expect(record).toHaveLength(40);
});

describe('a file', () => {
  it('begins with its version and the start of a session, and is made with the first event', () => {
    const path = folder();
    const file = new EventFile(path, 17);
    expect(EventFile.isFirstOf(path)).toBe(true);
    file.add(17, [scalar('train/loss', 0), scalar('train/accuracy', 0.25)], 1234.5);
    file.close();
    expect(EventFile.isFirstOf(path)).toBe(false);
    const [[version, start, event, ...rest]] = eventsIn(path);
    expect(version).toMatchObject({ fileVersion: 'brain.Event:2' });
    expect(start).toMatchObject({ step: 17, sessionStatus: 1 });
    // A loss of nought is a value, and is written.
    expect(event).toMatchObject({ step: 17, wallTime: 1234.5, scalars: { 'train/loss': 0, 'train/accuracy': 0.25 } });
    expect(rest).toEqual([]);
  });

  it('each file is behind those that were there before, however soon it follows', () => {
    const path = folder();
    for (let i = 0; i < 3; i++) {
      const file = new EventFile(path, i);
      file.add(i, [scalar('a', i)]);
      file.close();
    }
    expect(eventsIn(path).map((events) => events[2].scalars['a'])).toEqual([0, 1, 2]);
  });
});

describe('the log of a run', () => {
  it('tags', () => {
    expect(tagOf('step', 'loss')).toBe('train/loss');
    expect(tagOf('epoch', 'loss')).toBe('epoch/loss');
    expect(tagOf('probe', 'knn')).toBe('eval/knn');
    expect(tagOf('epoch', 'imagesPerSecond')).toBe('performance/imagesPerSecond');
    expect(tagOf('epoch', 'testBalancedAccuracy')).toBe('eval/balancedAccuracy');
    expect(tagOf('epoch', 'trainLoss')).toBe('epoch/loss');
  });

  it('has numbers, the scale of the loss, pictures, warnings and settings', () => {
    const path = folder();
    const log = new TensorBoardLog(path, { method: 'simclr', lr: 0.1 });
    log.rewind(0, []);
    log.record({ type: 'step', step: 1, epoch: 1, loss: 4, lossScale: { scale: 512, skipped: 1 }, lr: 0.1, time: 99 });
    log.record({ type: 'warning', step: 1, kind: 'chance', message: 'learns nothing', remedy: 'do better' });
    log.record({ type: 'epoch', step: 1, epoch: 1, epochs: 2, loss: 4, knn: 0.5, lr: 0.1, batchSize: 8 });
    log.figure('similarity', 1, PNG.sync.write(new PNG({ width: 5, height: 3 })));
    log.close();
    const [, , settings, step, warning, epoch, figure] = eventsIn(path)[0];
    expect(settings.texts['settings/text_summary']).toContain('| lr | 0.1 |');
    expect(step).toMatchObject({ step: 1, wallTime: 99 });
    expect(Object.keys(step.scalars)).toEqual([
      'train/loss',
      'train/lossScale/scale',
      'train/lossScale/skipped',
      'train/lr',
    ]);
    expect(warning.texts['warnings/text_summary']).toBe('learns nothing\n\ndo better');
    expect(epoch.scalars).toEqual({ 'epoch/loss': 4, 'eval/knn': 0.5 });
    expect(figure.images['pictures/similarity']).toMatchObject({ width: 5, height: 3 });
  });

  it('after a resume the steps that are run again replace those that were', () => {
    const path = folder();
    const step = (step: number, loss: number) => ({ type: 'step', step, epoch: 1, loss }) as const;
    const first = new TensorBoardLog(path, {});
    first.rewind(0, []);
    for (let i = 1; i <= 6; i++) first.record(step(i, i));
    // Killed: nothing is closed. The next process begins behind the checkpoint of step 4.
    const second = new TensorBoardLog(path, {});
    second.rewind(
      4,
      [1, 2, 3, 4].map((i) => step(i, i)),
    );
    for (let i = 5; i <= 7; i++) second.record(step(i, -i));
    second.close();
    first.close();
    expect(visibleScalars(eventsIn(path), 'train/loss')).toEqual([1, 2, 3, 4, -5, -6, -7]);
  });

  it('a run that is logged only since it was resumed has what came before', () => {
    const path = folder();
    const log = new TensorBoardLog(path, { lr: 1 });
    log.rewind(
      2,
      [1, 2].map((step) => ({ type: 'step', step, epoch: 1, loss: step, time: 50 + step }) as const),
    );
    log.record({ type: 'step', step: 3, epoch: 1, loss: 3 });
    log.close();
    const [events] = eventsIn(path);
    expect(visibleScalars([events], 'train/loss')).toEqual([1, 2, 3]);
    expect(events[3].wallTime).toBe(51);
  });
});
