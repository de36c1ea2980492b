import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../../../src/errors.ts';

const names = process.platform === 'win32' ? ['python.exe'] : ['python3', 'python'];

/** Every Python in PATH, in its order; only the one that `PYTHON` names where that is set. */
function candidates(): string[] {
  const { PYTHON, PATH = '' } = process.env;
  if (PYTHON) return [PYTHON];
  const folders = PATH.split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).filter((path) => existsSync(path));
}

async function hasTorch(python: string): Promise<boolean> {
  const look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)";
  return promisify(execFile)(python, ['-c', look]).then(
    () => true,
    () => false,
  );
}

async function find(): Promise<string> {
  for (const python of candidates()) if (await hasTorch(python)) return python;
  throw new UserError(
    'no python3 in PATH has PyTorch; install it (pip install torch torchvision), or set PYTHON to one that has it',
  );
}

let found: Promise<string> | undefined;

/** The first Python that has PyTorch. UserError: none has. */
export const pythonWithTorch = (): Promise<string> => (found ??= find());
