/**
 * Set-up speaks on stderr only: the output of the command that follows stays clean.
 */
const quiet = process.argv.includes('--quiet');

/** What is being done and how long it may take. @param {string} line */
export function say(line) {
  console.error(`setup: ${line}`);
}

/** Advice that a run can do without. @param {string} line */
export function hint(line) {
  if (!quiet) say(line);
}

/** A reason to stop that the user can do something about; the entry point prints it without a stack. */
export class SetupError extends Error {}

/** Why a driver could not be fetched or does not run, where installing the same on the system would end the same way. */
export class DriverFailure extends Error {}

/** @param {unknown} error @returns {string} its first line */
export function reasonOf(error) {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
