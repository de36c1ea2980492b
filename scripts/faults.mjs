/**
 * The campaign of faults: kills processes, fails disks and devices, damages files, and prints how often each was tried and how often
 * the program held. The exit code is 1 where it once did not.
 *
 *   npm run test:faults                              a few minutes, from a fixed seed
 *   npm run test:faults -- --rounds 6 --seed 7       six times as much, from another
 *   npm run test:faults -- --write                   also writes the table to docs/reliability.md
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(project, 'docs', 'reliability.md');
const marks = ['<!-- table: npm run test:faults -- --write -->', '<!-- end of table -->'];

const number = (text, flag) => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return String(value);
  console.error(`faults: ${flag} takes a whole number of 1 or more, not '${text}'`);
  process.exit(2);
};

/** Rows of one kind and description, from as many tests, make one. */
function tableOf(lines) {
  const rows = new Map();
  for (const { kind, what, tried, held } of lines) {
    const row = rows.get(`${kind}\n${what}`) ?? { kind, what, tried: 0, held: 0 };
    rows.set(`${kind}\n${what}`, { ...row, tried: row.tried + tried, held: row.held + held });
  }
  return [...rows.values()].sort((a, b) => (a.kind === b.kind ? 0 : a.kind < b.kind ? -1 : 1));
}

const markdown = (rows) =>
  [
    '| fault | where | tried | held |',
    '| --- | --- | ---: | ---: |',
    ...rows.map(
      ({ kind, what, tried, held }) =>
        `| ${kind} | ${what} | ${tried.toLocaleString('en')} | ${held.toLocaleString('en')} |`,
    ),
  ].join('\n');

function main() {
  const options = {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const folder = mkdtempSync(join(tmpdir(), 'simclr-faults-'));
  const accounts = join(folder, 'accounts.jsonl');
  writeFileSync(accounts, '');
  try {
    const env = {
      ...process.env,
      FAULTS_ROUNDS: number(values.rounds, '--rounds'),
      FAULTS_SEED: number(values.seed, '--seed'),
      FAULTS_ACCOUNT: accounts,
    };
    const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
    const words = [vitest, 'run', '--mode', 'faults', ...positionals];
    const { status } = spawnSync(process.execPath, words, { cwd: project, env, stdio: 'inherit' });
    const rows = tableOf(
      readFileSync(accounts, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    );
    console.log(`\n${markdown(rows)}`);
    if (values.write && status === 0) writeTable(rows);
    return status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeTable(rows) {
  const text = readFileSync(page, 'utf8');
  const [from, to] = marks.map((mark) => text.indexOf(mark));
  writeFileSync(page, `${text.slice(0, from + marks[0].length)}\n\n${markdown(rows)}\n\n${text.slice(to)}`);
}

process.exitCode = main();
