/** Data from outside, checked against a schema: what does not hold is told in sentences, the same ones for flags and for files. */
import { z } from 'zod';
import { UserError } from '../errors.ts';

/** How messages call a value: a setting by its flag, or as it stands in a file. */
export type Naming = (key: string) => string;

export interface CheckOptions {
  /** Where the values are from, such as a file; undefined for what names itself, such as flags. */
  readonly source?: string | undefined;
  readonly name?: Naming;
  /** What the user can do about it. */
  readonly remedy?: string;
  readonly exitCode?: 1 | 2;
}

/** The values that a schema makes of `given`. UserError: one line that names every value that is wrong. */
export function checked<T extends z.ZodType>(schema: T, given: unknown, options: CheckOptions = {}): z.infer<T> {
  const { name = (key) => key } = options;
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw wrongValue(sentences(parsed.error.issues, given, name).join('; '), options);
}

/** The refusal of a value, in the form that `checked` gives it. */
export function wrongValue(sentence: string, { source, remedy, exitCode = 1 }: CheckOptions): UserError {
  const what = [sentence, ...(remedy ? [remedy] : [])].join('; ');
  return new UserError(source === undefined ? what : `${source}: ${what}`, exitCode);
}

/** A table of settings in a file, which has a check of its own. */
export const settingsTable = () => z.record(z.string(), z.unknown());

/** A measured number in a file: JSON has null for NaN and infinity. */
export const measured = () =>
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN);

type Issue = z.core.$ZodIssue;

/** One sentence for each value that is wrong: the first that is wrong with it. */
function sentences(issues: readonly Issue[], given: unknown, name: Naming): string[] {
  const byValue = new Map<string, string>();
  for (const issue of issues) {
    const [first, ...rest] = issue.path.map(String);
    const key = first === undefined ? undefined : [name(first), ...rest].join('.');
    if (!byValue.has(key ?? '')) byValue.set(key ?? '', sentence(issue, key, valueAt(given, issue.path)));
  }
  return [...byValue.values()];
}

function sentence(issue: Issue, key: string | undefined, value: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((text) => `'${text}'`).join(', ');
    return `${keys} ${issue.keys.length > 1 ? 'are not known settings' : 'is not a known setting'}`;
  }
  const subject = key ?? 'the content';
  if (value === undefined) return `${subject} is missing`;
  return `${subject} must be ${demand(issue)}, not ${shown(value)}`;
}

/** What a value must be. */
function demand(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values.map(String));
    case 'too_small':
      if (issue.origin === 'array') return `a list of ${issue.minimum}${issue.exact ? '' : ' or more'}`;
      return issue.inclusive ? `${issue.minimum} or more` : `above ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `a list of ${issue.maximum}${issue.exact ? '' : ' or fewer'}`;
      return issue.inclusive ? `${issue.maximum} or less` : `below ${issue.maximum}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.message;
    default:
      return 'something else';
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'text',
  array: 'a list',
  object: 'an object with named values',
  record: 'an object with named values',
};

/** `a`; `a or b`; `a, b or c` */
const oneOf = (values: readonly string[]): string =>
  values.length < 2 ? values.join() : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 59)}…` : value}'`;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
