import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The path of a file that lies beside a peer's modules. Those are bundled: then their code may lie in a chunk at the root of the
 * bundle, and the file in the peer's folder there, where `bench/build.mjs` copies it.
 */
export function besideModule(moduleUrl: string, folder: string, name: string): string {
  const places = [new URL(`./${folder}/${name}`, moduleUrl), new URL(`./${name}`, moduleUrl)].map((url) =>
    fileURLToPath(url),
  );
  const place = places.find((path) => existsSync(path));
  if (place === undefined) throw new Error(`${name} not found at ${places.join(' or ')}`);
  return place;
}
