/** Waiting for what other processes have to do first, without a processor kept busy. */

/** A turn sleeps for this share of the time waited so far: by so much too late, at most, an end is noticed. */
const share = 1 / 64;
/** Milliseconds that a turn sleeps at most. */
const longest = 1;
/** Milliseconds for which a turn moves data, before the device and signals have theirs. */
const burst = 1;

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Asks `isDone` on every turn of the event loop, more seldom the longer it takes, until it is true: a rank that waits for a slow one leaves
 * the processor to it.
 *
 * @param check is given the milliseconds waited so far, and throws where waiting on is in vain
 */
export async function completed(isDone: () => boolean, check: (waited: number) => void): Promise<void> {
  const start = performance.now();
  while (!isDone()) {
    const waited = performance.now() - start;
    check(waited);
    Atomics.wait(neverNotified, 0, 0, Math.min(longest, share * waited));
    await nextTurn();
  }
}

/** Asks without rest: MPI moves data in these calls only. For what all ranks are known to have begun. */
export async function moved(isDone: () => boolean, check: (waited: number) => void): Promise<void> {
  const start = performance.now();
  for (;;) {
    const until = performance.now() + burst;
    do if (isDone()) return;
    while (performance.now() < until);
    check(performance.now() - start);
    await nextTurn();
  }
}
