/**
 * Lets what waits, such as a signal of the system, be heard in the middle of work that never waits by itself.
 * @throws the reason of `signal`, if it was aborted
 */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((wake) => setImmediate(wake));
  signal?.throwIfAborted();
}
