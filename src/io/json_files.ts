/** JSON files, and what schemas make of them. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { messageOf, UserError } from '../errors.ts';
import { checked } from './checked.ts';
import { guarded } from './file_errors.ts';
import { jsonLines } from './files.ts';

/** The value in a JSON file. UserError: it cannot be read, or is not JSON. */
export function readJson(file: string, remedy: string): unknown {
  const text = guarded('read', file, () => readFileSync(file, 'utf8'));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: not valid JSON (${messageOf(error)}); ${remedy}`);
  }
}

/** The value in a JSON file, as a schema has it. UserError: names the file, what is wrong in it, and the remedy. */
export const readChecked = <T extends z.ZodType>(schema: T, file: string, remedy: string): z.infer<T> =>
  checked(schema, readJson(file, remedy), { source: file, remedy });

/** The records of a JSON-lines file, as a schema has them; a last line that was cut is dropped. UserError: names the line. */
export const readRecords = <T extends z.ZodType>(schema: T, file: string, remedy: string): z.infer<T>[] =>
  jsonLines(file).map(({ line, record }) => checked(schema, record, { source: `${file}: line ${line}`, remedy }));
