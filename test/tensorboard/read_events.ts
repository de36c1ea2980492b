/** A reader of event files that shares nothing with what writes them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { metrics } from '../cli/run.ts';

/** Of an event, what tests ask for. */
export interface ReadEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  sessionStatus?: number;
  scalars: Record<string, number>;
  texts: Record<string, string>;
  images: Record<string, { width: number; height: number; bytes: Buffer }>;
}

/** CRC-32C as the remainder of a division of polynomials, bit by bit. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const odd = (crc ^ (byte >>> bit)) & 1;
      crc = (crc >>> 1) ^ (odd ? 0x82f63b78 : 0);
    }
  const value = (crc ^ 0xffffffff) >>> 0;
  return Number((((BigInt(value) >> 15n) | (BigInt(value) << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** The events of a file; a last record that was cut is left out. */
export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    if (at + 16 + length > file.length) break;
    expect(file.readUInt32LE(at + 8)).toBe(checksum(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(checksum(data));
    events.push(eventOf(data));
    at += 16 + length;
  }
  return events;
}

/** Events of all files of a folder, in the order in which TensorBoard reads them. */
export const eventsIn = (folder: string): ReadEvent[][] =>
  readdirSync(folder)
    .sort()
    .map((name) => readEvents(readFileSync(join(folder, name))));

/** Expects TensorBoard to show the losses of a training, of each step and each epoch, as its `metrics.jsonl` has them, and its settings. */
export function expectLogged(training: string): void {
  const files = eventsIn(join(training, 'tensorboard'));
  const losses = (type: string) =>
    metrics(training)
      .filter((line) => line.type === type)
      .map((line) => Math.fround(Number(line['trainLoss'] ?? line.loss)));
  expect(losses('step').length).toBeGreaterThan(0);
  expect(visibleScalars(files, 'train/loss')).toEqual(losses('step'));
  expect(visibleScalars(files, 'epoch/loss')).toEqual(losses('epoch'));
  expect(files[0].some(({ texts }) => 'settings/text_summary' in texts)).toBe(true);
}

/** Values of a tag that TensorBoard shows: the start of a session drops what was logged from its step on. */
export function visibleScalars(files: readonly ReadEvent[][], tag: string): number[] {
  let shown: ReadEvent[] = [];
  for (const event of files.flat()) {
    if (event.sessionStatus === 1) shown = shown.filter(({ step }) => step < event.step);
    if (tag in event.scalars) shown.push(event);
  }
  return shown.map(({ scalars }) => scalars[tag]);
}

type Value = bigint | Buffer;

/** Fields of a message by their numbers. */
function fieldsOf(bytes: Buffer): Map<number, Value[]> {
  const fields = new Map<number, Value[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const key = Number(varint());
    const kind = key & 7;
    const value = kind === 0 ? varint() : kind === 1 ? take(8) : kind === 5 ? take(4) : take(Number(varint()));
    fields.set(key >>> 3, [...(fields.get(key >>> 3) ?? []), value]);
  }
  return fields;
}

const buffer = (fields: Map<number, Value[]>, id: number) => fields.get(id)?.[0] as Buffer | undefined;
const whole = (fields: Map<number, Value[]>, id: number) => Number((fields.get(id)?.[0] as bigint | undefined) ?? 0);

function eventOf(data: Buffer): ReadEvent {
  const fields = fieldsOf(data);
  const event: ReadEvent = {
    wallTime: buffer(fields, 1)?.readDoubleLE() ?? 0,
    step: whole(fields, 2),
    ...{ scalars: {}, texts: {}, images: {} },
  };
  const [version, session] = [buffer(fields, 3), buffer(fields, 7)];
  if (version) event.fileVersion = version.toString();
  if (session) event.sessionStatus = whole(fieldsOf(session), 1);
  const summary = buffer(fields, 5);
  for (const value of summary ? (fieldsOf(summary).get(1) ?? []) : []) addValue(event, fieldsOf(value as Buffer));
  return event;
}

function addValue(event: ReadEvent, value: Map<number, Value[]>): void {
  const tag = buffer(value, 1)!.toString();
  const [number, image, tensor] = [2, 4, 8].map((id) => buffer(value, id));
  if (number) event.scalars[tag] = number.readFloatLE();
  if (image) {
    const fields = fieldsOf(image);
    event.images[tag] = { height: whole(fields, 1), width: whole(fields, 2), bytes: buffer(fields, 4)! };
  }
  if (tensor) event.texts[tag] = buffer(fieldsOf(tensor), 8)!.toString();
}
