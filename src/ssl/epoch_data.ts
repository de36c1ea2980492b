/** What an epoch begins with, made by one process for all that share the batch. */
import type { Data } from '../graph/tensor.ts';
import { type Communicator, shareText } from '../mpi/communicator.ts';
import type { EpochData } from './feeds.ts';
import type { EpochContext } from './method.ts';

const kinds = { f32: Float32Array, u32: Uint32Array, i32: Int32Array } as const;
type Kind = keyof typeof kinds;

const kindOf = (values: Data): Kind =>
  values instanceof Float32Array ? 'f32' : values instanceof Uint32Array ? 'u32' : 'i32';

/** What rank 0 has the others do next. */
const asked = 'features';

/**
 * What rank 0 makes, on all ranks: clusters and neighbours that each found by itself could differ in a last digit, and so in what they
 * are. The others wait for it, and compute their part of the features when it asks for them; a failure ends rank 0, and them with it.
 *
 * @param features of all images, which all ranks compute together
 * @param make is given them as what rank 0 is to ask
 */
export async function sharedData(
  ranks: Communicator,
  features: EpochContext['features'],
  make: (features: EpochContext['features']) => Promise<EpochData>,
): Promise<EpochData> {
  if (ranks.rank > 0) {
    while ((await shareText(ranks)) === asked) await features();
    return decode(await ranks.share(new Uint8Array()));
  }
  const data = await make(async () => {
    await shareText(ranks, asked);
    return features();
  });
  await shareText(ranks, 'made');
  return decode(await ranks.share(encode(data)));
}

interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly length: number;
}

/** Bytes of a list in JSON, that list, and all values, 4 bytes each, in its order. */
function encode(data: EpochData): Uint8Array {
  const entries = Object.entries(data).map(
    ([name, values]): Entry => ({ name, kind: kindOf(values), length: values.length }),
  );
  const list = new TextEncoder().encode(JSON.stringify(entries));
  const values = Object.values(data);
  const bytes = new Uint8Array(4 + list.length + values.reduce((sum, { byteLength }) => sum + byteLength, 0));
  new DataView(bytes.buffer).setUint32(0, list.length, true);
  bytes.set(list, 4);
  let at = 4 + list.length;
  for (const { buffer, byteOffset, byteLength } of values) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

function decode(bytes: Uint8Array): EpochData {
  const { buffer, byteOffset } = bytes;
  const header = new DataView(buffer, byteOffset).getUint32(0, true);
  let at = 4 + header;
  const entries = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at))) as Entry[];
  return Object.fromEntries(
    entries.map(({ name, kind, length }) => {
      const own = new Uint8Array(bytes.subarray(at, (at += 4 * length))); // a copy, which begins at a whole word
      const values = new kinds[kind](own.buffer);
      return [name, values] as const;
    }),
  );
}
