/** All methods, by the names that `--method` knows. */
import { UserError } from '../errors.ts';
import type { Method } from '../ssl/method.ts';
import { sharedShape } from '../ssl/settings.ts';
import { autoencoder } from './autoencoder.ts';
import { barlowTwins } from './barlow_twins.ts';
import { bert } from './bert.ts';
import { byol } from './byol.ts';
import { clip } from './clip.ts';
import { colorization } from './colorization.ts';
import { contextEncoder } from './context_encoder.ts';
import { cpc } from './cpc.ts';
import { cpc1d } from './cpc_1d.ts';
import { data2vec } from './data2vec.ts';
import { dino } from './dino.ts';
import { exemplarCnn } from './exemplar_cnn.ts';
import { fncancel } from './fncancel.ts';
import { gan } from './gan.ts';
import { instDisc } from './inst_disc.ts';
import { jigsaw } from './jigsaw.ts';
import { mae } from './mae.ts';
import { moco, mocoV1 } from './moco.ts';
import { relativePatch } from './relative_patch.ts';
import { rotation } from './rotation.ts';
import { simclr } from './simclr.ts';
import { simcse } from './simcse.ts';
import { simsiam } from './simsiam.ts';
import { splitBrain } from './split_brain.ts';
import { supCon } from './sup_con.ts';
import { supervised } from './supervised.ts';
import { swav } from './swav.ts';
import { vicreg } from './vicreg.ts';
import { videoColor } from './video_color.ts';
import { wcl } from './wcl.ts';

const known = new Map<string, Method>();

/**
 * Makes a method known under its names: `parseSettings`, `Trainer`, checkpoints and run folders then take it as they take ours.
 * Error: the name is taken by another one, or is none for files and flags, or its recipe sets what is no shared setting, its
 * short one what is no setting.
 */
export function registerMethod(method: Method): void {
  const { name, aliases = [] } = method;
  const names = [name, ...aliases];
  const odd = names.find((one) => !/^[a-z][a-z0-9-]*$/.test(one));
  if (odd !== undefined) throw new Error(`a method is named '${odd}': use a-z, 0-9 and -`);
  const wrong = Object.keys(method.recipe).find((key) => !(key in sharedShape));
  if (wrong) throw new Error(`method ${name}: its recipe has '${wrong}', which is no shared setting`);
  const { short, sample, onTransformer } = method;
  const recipes = { short: { ...short, ...onTransformer?.recipe, ...onTransformer?.short }, sample: { ...sample } };
  for (const [what, recipe] of Object.entries(recipes)) {
    const unknown = Object.keys(recipe).find((key) => !(key in sharedShape || key in method.options));
    if (unknown) throw new Error(`method ${name}: its ${what} recipe has '${unknown}', which is no setting`);
  }
  const taken = names.find((one) => (known.get(one) ?? method) !== method);
  if (taken !== undefined) throw new Error(`two methods are named '${taken}'`);
  for (const one of names) known.set(one, method);
}

[
  ...[simclr, fncancel, moco, mocoV1, byol, simsiam, swav, dino, barlowTwins, vicreg],
  ...[wcl, instDisc, exemplarCnn, supCon, supervised],
  ...[rotation, relativePatch, jigsaw, gan, autoencoder, contextEncoder, colorization, splitBrain, videoColor],
  ...[mae, data2vec, cpc, cpc1d, clip, simcse, bert],
].forEach(registerMethod);

/** The method of runs that do not say which: there was no other when they were made. */
export const firstMethod = simclr;

/** All methods that are known, ours and registered ones, each once. */
export const allMethods = (): readonly Method[] => [...new Set(known.values())];

/** UserError (usage): there is no such method. */
export function methodNamed(name: string): Method {
  const method = known.get(name);
  if (method) return method;
  throw new UserError(
    `no method is named '${name}'; there are ${allMethods()
      .map((other) => other.name)
      .join(', ')}`,
    2,
  );
}

/** Of a method that may be a user's own, known to another program only. */
export const methodIfKnown = (name: string): Method | undefined => known.get(name);
