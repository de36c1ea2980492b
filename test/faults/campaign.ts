/**
 * What the tests of the campaign share: how often a fault is tried, from which seed, and the account of what was tried and what held,
 * which `npm run test:faults` makes a table of.
 */
import { appendFileSync } from 'node:fs';
import { UserError } from '../../src/errors.ts';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** 1 in CI; `npm run test:faults -- --rounds 6` tries six times as much. */
export const rounds = number('FAULTS_ROUNDS', 1);
export const seed = number('FAULTS_SEED', 1);

/** Uniform numbers in [0, 1) by a seed: mulberry32. */
export function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` different numbers from 1 to `total`, drawn; all of them where there are not more. */
export function drawMoments(total: number, count: number, random: () => number): number[] {
  const all = Array.from({ length: total }, (_, i) => ({ at: i + 1, key: random() }));
  return all
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ at }) => at);
}

export interface Account {
  /** `kill −9`, `damaged files`, … */
  readonly kind: string;
  /** What was done to what. */
  readonly what: string;
  readonly tried: number;
  /** Of these, those that ended as they should. */
  readonly held: number;
}

/** Notes what was tried, for the table. */
export function account(entry: Account): void {
  const file = process.env['FAULTS_ACCOUNT'];
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** Counts the tries of one row and notes them when the test ends, however it ends. */
export class Tries {
  private tried = 0;
  private held = 0;

  constructor(
    private readonly kind: string,
    private readonly what: string,
  ) {}

  async try<T>(attempt: () => T | Promise<T>): Promise<T> {
    this.tried++;
    const result = await attempt();
    this.held++;
    return result;
  }

  /** A try that is several: what it returns, all of which held if it ends. */
  async series(attempt: () => Promise<number>): Promise<number> {
    this.tried++;
    const count = await attempt();
    this.tried += count - 1;
    this.held += count;
    return count;
  }

  /** For `finally`. */
  close(): void {
    account({ kind: this.kind, what: this.what, tried: this.tried, held: this.held });
  }
}

/** Whether an error is one that people are told, in a line of some length (it is printed without its control characters). */
export const isPlain = (error: unknown): boolean => error instanceof UserError && error.message.length < 2000;
