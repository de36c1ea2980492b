/** `pause.ts` for browsers: a message to oneself is heard behind those that wait. */
import type * as twin from './pause.ts';

export const pause: typeof twin.pause = async (signal) => {
  const { port1, port2 } = new MessageChannel();
  await new Promise((wake) => {
    port1.onmessage = wake;
    port2.postMessage(undefined);
  });
  port1.close();
  signal?.throwIfAborted();
};
