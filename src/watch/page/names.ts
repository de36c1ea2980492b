/** What numbers are called, how they are written, and in which order their charts stand. */
import type { NumberFacts } from '../wire.ts';

export type Format = 'number' | 'percent' | 'bytes' | 'rate' | 'tiny';

/** Charts stand in these sections. */
export const sections = ['Learning', 'Health', 'Progress'] as const;
export type Section = (typeof sections)[number];

export interface NumberName {
  readonly title: string;
  readonly format: Format;
  readonly section: Section;
}

const known: Readonly<Record<string, NumberName>> = {
  loss: { title: 'Loss', format: 'number', section: 'Learning' },
  trainLoss: { title: 'Training loss', format: 'number', section: 'Learning' },
  testLoss: { title: 'Test loss', format: 'number', section: 'Learning' },
  knn: { title: 'kNN accuracy', format: 'percent', section: 'Learning' },
  accuracy: { title: 'Accuracy of the task', format: 'percent', section: 'Learning' },
  knnBalanced: { title: 'kNN accuracy, mean of classes', format: 'percent', section: 'Learning' },
  trainAccuracy: { title: 'Training accuracy', format: 'percent', section: 'Learning' },
  testAccuracy: { title: 'Test accuracy', format: 'percent', section: 'Learning' },
  testBalancedAccuracy: { title: 'Test accuracy, mean of classes', format: 'percent', section: 'Learning' },
  embeddingStd: { title: 'Spread of the embeddings', format: 'number', section: 'Health' },
  lr: { title: 'Learning rate', format: 'tiny', section: 'Progress' },
  imagesPerSecond: { title: 'Images per second', format: 'rate', section: 'Progress' },
  memory: { title: 'GPU memory', format: 'bytes', section: 'Progress' },
  seconds: { title: 'Seconds of the epoch', format: 'number', section: 'Progress' },
  'lossScale.scale': { title: 'Loss scale', format: 'number', section: 'Progress' },
  'lossScale.skipped': { title: 'Steps skipped', format: 'number', section: 'Progress' },
};
const order = Object.keys(known);

/** `lossReal` → `Loss real` */
const asWords = (name: string): string => {
  const words = name.replace(/[._]/g, ' ').replace(/([a-z0-9])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** What is known of a number, from its name and from what the runs' methods declare. */
export function nameOf(name: string, facts?: NumberFacts): NumberName {
  const own = known[name];
  if (own) return own;
  const percent = facts?.format === 'percent' || /accuracy/i.test(name);
  return { title: asWords(name), format: percent ? 'percent' : 'number', section: 'Health' };
}

/** Known numbers first, in their order; the others by name. */
export function inOrder(names: Iterable<string>): string[] {
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...names].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}
