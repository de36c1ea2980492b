/** `--policy FILE.json`: the file's policy becomes the setting, so that a run does not depend on the file. */
import { basename } from 'node:path';
import { readJson } from '../io/json_files.ts';
import { checkedPolicy, customSetting } from '../ssl/policies_custom.ts';

/** The policy in a file as a value of the setting `policy`; without a name, it has the file's. UserError: what is wrong, in one line. */
export function readPolicy(file: string): string {
  const policy = checkedPolicy(readJson(file, 'docs/augmentation.md has the format'), file);
  return customSetting({ ...policy, name: policy.name ?? basename(file, '.json') });
}

/** A value as it is given on a command line: a name stays what it is. */
export const policyGiven = (given: unknown): unknown =>
  typeof given === 'string' && /\.json$/i.test(given) ? readPolicy(given) : given;
