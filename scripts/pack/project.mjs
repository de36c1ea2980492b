import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The project's folder. */
export const projectFolder = join(import.meta.dirname, '..', '..');

/** Of the project, from package.json. */
export const { name, version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'));

/** A reason to stop that the user can do something about; the entry point prints it without a stack. */
export class PackError extends Error {}

/** @param {string} line of progress, or why it stops; on stderr */
export const say = (line) => console.error(`pack: ${line}`);
