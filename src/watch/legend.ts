/** `legend.json` of a run: what its method says of its numbers. Runs of older versions have none. */
import { z } from 'zod';
import { readPlainly } from './plain_files.ts';
import type { NumberFacts } from './wire.ts';

export const legendFile = 'legend.json';
const mostBytes = 1 << 20;

const metric = z.object({
  format: z.enum(['percent', 'number']).optional(),
  note: z.string().optional(),
  guess: z.number().optional(),
  healthy: z.object({ value: z.number(), formula: z.string() }).optional(),
});
const legendSchema = z.object({
  metrics: z.record(z.string(), metric).optional(),
  chance: z
    .object({ loss: z.number(), formula: z.string(), accuracy: z.number().optional(), note: z.string().optional() })
    .optional(),
});

/** Facts by the names of numbers; none where the file is not there, or not what it should be. */
export async function readLegend(file: string): Promise<Record<string, NumberFacts>> {
  let legend: z.infer<typeof legendSchema>;
  try {
    legend = legendSchema.parse(JSON.parse((await readPlainly(file, mostBytes)).toString('utf8')));
  } catch {
    return {};
  }
  const { metrics = {}, chance } = legend;
  const facts: Record<string, NumberFacts> = Object.fromEntries(
    Object.entries(metrics).map(([name, one]) => [name, factsOf(one)] as const),
  );
  if (!chance) return facts;
  facts['loss'] = { reference: { value: chance.loss, text: `chance ${chance.formula}` } };
  const { accuracy, note } = chance;
  if (accuracy !== undefined)
    facts['accuracy'] = { ...facts['accuracy'], ...(note && { note }), reference: { value: accuracy, text: 'chance' } };
  return facts;
}

function factsOf({ format, note, guess, healthy }: z.infer<typeof metric>): NumberFacts {
  const reference = healthy
    ? { value: healthy.value, text: `healthy: about ${healthy.formula}` }
    : guess === undefined
      ? undefined
      : { value: guess, text: 'guessing' };
  return { ...(format && { format }), ...(note && { note }), ...(reference && { reference }) };
}
