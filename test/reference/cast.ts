import type { Definitions } from './interpreter.ts';

export default { cast: ([x]) => [x.slice()] } satisfies Definitions;
