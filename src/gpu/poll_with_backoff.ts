/** A turn sleeps for this share of the time waited so far: by so much too late, at most, an end is noticed. */
const share = 1 / 64;
/** Milliseconds that a turn sleeps at most: other events of the process wait as long. */
const longest = 1;

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

let waiting = 0;
let since = 0;
let turning = false;

function turn(): void {
  turning = waiting > 0;
  if (!turning) return;
  Atomics.wait(neverNotified, 0, 0, Math.min(longest, share * (performance.now() - since)));
  setImmediate(turn);
}

/**
 * The promise's value, without a processor kept busy until it is there. While something is asked of a device, Dawn's binding looks
 * for the answer on every turn of the event loop: that takes a whole core, which a software rasteriser lacks for its own work, and
 * leaves garbage each time. Here the turns become slower the longer it takes.
 */
export async function pollWithBackoff<T>(promise: Promise<T>): Promise<T> {
  waiting++;
  since = performance.now();
  if (!turning) {
    turning = true;
    setImmediate(turn);
  }
  try {
    return await promise;
  } finally {
    waiting--;
  }
}
