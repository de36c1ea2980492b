/** Requests with what belongs to each: it is marked as under way, and its failure is shown in its place. */
import type { Finished, RequestType } from '../protocol.ts';
import { failureOf } from './client.ts';
import { counted, sentence } from './format.ts';
import { type Activity, type App, isTraining, type Place, type Trouble } from './state.ts';

/** Shows a trouble in its place; undefined takes it away. */
export function setTrouble(
  { store, announce }: Pick<App, 'store' | 'announce'>,
  place: Place,
  trouble: Trouble | undefined,
): void {
  const { [place]: _, ...others } = store.value.troubles;
  store.set({ troubles: trouble ? { ...others, [place]: trouble } : others });
  if (trouble) announce(sentence(trouble.message));
}

/** Says something else of a request that is under way. */
export function setActivity({ store }: Pick<App, 'store'>, during: RequestType, activity: Activity): void {
  const { busy } = store.value;
  if (busy.has(during)) store.set({ busy: new Map([...busy, [during, activity]]) });
}

/** What there is to search with after a training. */
export const trained = 'What was trained here';
export const trainedFor = (steps: number): string => `${trained}, ${counted(steps, 'step')}`;

/** After a lost device: what the worker has kept of a training, if anything, is as that of one which was stopped. */
export function takeLeft({ store }: Pick<App, 'store'>, { kept }: Trouble): void {
  if (!kept) {
    forgetLearnt({ store });
    return;
  }
  const { training, version, unsaved } = store.value;
  const interrupted = kept.step < kept.steps;
  const finished: Finished = { type: 'finished', ...kept, interrupted, loss: undefined, seconds: 0 };
  store.set({
    encoder: trainedFor(kept.step),
    unsaved: unsaved || isTraining(store.value),
    version: version + 1,
    training: training && { ...training, phase: 'ended', finished },
  });
}

/** There is no encoder any more: another training takes its place, or the device is lost. Photos stay. */
export function forgetLearnt({ store }: Pick<App, 'store'>): void {
  store.set({ encoder: undefined, unsaved: false, version: store.value.version + 1 });
}

/**
 * Does what a request is for, and shows how that ends.
 *
 * @param during the request, which is under way until then
 * @param activity what the strip below the header says at first
 * @returns what `run` returns; undefined where it failed, which is shown by then
 */
export async function attempt<T>(
  app: App,
  { place, during, activity }: { readonly place: Place; readonly during: RequestType; readonly activity?: Activity },
  run: () => Promise<T>,
): Promise<T | undefined> {
  const { store } = app;
  setTrouble(app, place, undefined);
  store.set({ busy: new Map([...store.value.busy, [during, activity]]) });
  try {
    return await run();
  } catch (thrown) {
    const trouble = failureOf(thrown);
    // A training drops what there was before it begins; what is refused before that is input.
    if (trouble.kind === 'device-lost') takeLeft(app, trouble);
    else if (during === 'train' && trouble.kind !== 'input') forgetLearnt(app);
    setTrouble(app, trouble.kind === 'no-webgpu' ? 'device' : place, trouble);
    if (trouble.kind === 'fault') console.error(thrown);
    return undefined;
  } finally {
    store.set({ busy: new Map([...store.value.busy].filter(([type]) => type !== during)) });
  }
}
