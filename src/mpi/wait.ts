/** Waiting for what other processes have to do first, without a processor kept busy. */

/** A turn sleeps for this share of the time waited so far: by so much too late, at most, an end is noticed. */
const share = 1 / 64;
/** Milliseconds that a turn sleeps at most. */
const longest = 1;

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

/**
 * Asks `isDone` on every turn of the event loop, more seldom the longer it takes, until it is true. MPI moves its data in these calls, so
 * short waits are polled without rest; a rank that waits for a slow one leaves the processor to it.
 *
 * @param check is given the milliseconds waited so far, and throws where waiting on is in vain
 */
export async function completed(isDone: () => boolean, check: (waited: number) => void): Promise<void> {
  const start = performance.now();
  while (!isDone()) {
    check(performance.now() - start);
    Atomics.wait(neverNotified, 0, 0, Math.min(longest, share * (performance.now() - start)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
