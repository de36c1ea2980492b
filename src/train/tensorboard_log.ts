/** A run's log as TensorBoard reads it, in `tensorboard/` of the run's folder. */
import { EventFile } from '../tensorboard/event_file.ts';
import { picture, type SummaryValue, scalar, text } from '../tensorboard/schema.ts';
import type { MetricsLog, MetricsRecord } from './metrics_record.ts';

/** Names in a line that are no measured numbers. */
const counters = ['epoch', 'epochs', 'batchSize'];

/** Groups of charts for numbers of an epoch; others are its means over the steps. */
const groups: Readonly<Record<string, string>> = {
  ...{ knn: 'eval', knnBalanced: 'eval', majority: 'eval' },
  ...{ imagesPerSecond: 'performance', memory: 'performance', seconds: 'performance' },
};

/** `train/loss`, `epoch/loss`, `eval/knn`, and of a supervised training `epoch/loss`, `eval/accuracy`. */
export function tagOf(type: string, name: string): string {
  if (type === 'step') return `train/${name}`;
  const [, set, rest] = /^(train|test)([A-Z]\w*)$/.exec(name) ?? [];
  if (rest !== undefined) return `${set === 'test' ? 'eval' : 'epoch'}/${rest[0].toLowerCase()}${rest.slice(1)}`;
  return `${groups[name] ?? 'epoch'}/${name}`;
}

export class TensorBoardLog implements MetricsLog {
  private file: EventFile;

  /**
   * @param folder of the event files
   * @param settings shown as a text
   */
  constructor(
    private readonly folder: string,
    private readonly settings: object,
  ) {
    this.file = new EventFile(folder, 0);
  }

  rewind(step: number, kept: readonly MetricsRecord[]): void {
    this.file.close();
    const isFirst = step === 0 || EventFile.isFirstOf(this.folder);
    const settings = text('settings', markdownTable(this.settings));
    this.file = new EventFile(this.folder, isFirst ? 0 : step + 1, isFirst ? [settings] : []);
    // A run that is logged here only since it was resumed.
    if (isFirst) kept.forEach((record) => this.record(record));
  }

  record({ type, step, time, ...values }: MetricsRecord): void {
    const wallTime = typeof time === 'number' ? time : undefined;
    if (type === 'warning') {
      this.file.add(step, [text('warnings', `${values['message']}\n\n${values['remedy']}`)], wallTime);
      return;
    }
    const scalars = Object.entries(values).flatMap(([name, value]): SummaryValue[] => {
      if (counters.includes(name) || (type === 'epoch' && name === 'lr')) return [];
      if (typeof value === 'number') return [scalar(tagOf(type, name), value)];
      // A number that is not finite is NaN there; a nested object is the scale of the loss.
      if (typeof value !== 'object' || value === null) return [];
      return Object.entries(value).map(([key, inner]) => scalar(`${tagOf(type, name)}/${key}`, Number(inner)));
    });
    this.file.add(step, scalars, wallTime);
  }

  figure(kind: string, step: number, png: Uint8Array): void {
    const header = Buffer.from(png.buffer, png.byteOffset, 24); // signature, and IHDR: width and height at bytes 16 and 20
    const size = { width: header.readUInt32BE(16), height: header.readUInt32BE(20), colorspace: 3 };
    this.file.add(step, [picture(`pictures/${kind}`, { ...size, encodedImageString: png })]);
  }

  close(): void {
    this.file.close();
  }
}

const markdownTable = (settings: object): string =>
  [
    '| setting | value |',
    '|---|---|',
    ...Object.entries(settings).map(([name, value]) => `| ${name} | ${value} |`),
  ].join('\n');
