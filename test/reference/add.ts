import type { Definitions } from './interpreter.ts';

export default { add: ([a, b]) => [a.map((value, i) => value + b[i])] } satisfies Definitions;
