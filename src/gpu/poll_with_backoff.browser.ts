/** `poll_with_backoff.ts` for browsers, which wait for a device without asking it over and over. */
import type * as twin from './poll_with_backoff.ts';

export const pollWithBackoff: typeof twin.pollWithBackoff = (promise) => promise;
