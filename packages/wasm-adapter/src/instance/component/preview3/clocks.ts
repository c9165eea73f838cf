/** The longest that a timer of the platform waits for; a longer one fires at once. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;
const NANOS_PER_MILLI = 1_000_000n;

/** The functions of `wasi:clocks/monotonic-clock` that wait. */
export interface Waits {
  waitUntil(mark: bigint): Promise<void>;
  waitFor(nanos: bigint): Promise<void>;
}

/**
 * The waits of one instance, however long they are: the shim's would look every millisecond whether a
 * sleep of more than 24 days is over, whatever became of the instance. Of one that was dropped they
 * never end, and keep no timer.
 *
 * @param now the clock, in nanoseconds
 */
export function monotonicWaits(now: () => bigint, dropped: AbortSignal): Waits {
  const waitUntil = async (mark: bigint) => {
    for (let rest = mark - now(); rest > 0n; rest = mark - now()) {
      const millis = (rest + NANOS_PER_MILLI - 1n) / NANOS_PER_MILLI;
      await sleep(Number(millis < MAX_TIMER_MILLIS ? millis : MAX_TIMER_MILLIS), dropped);
    }
  };
  return { waitUntil, waitFor: (nanos) => waitUntil(now() + nanos) };
}

function sleep(millis: number, dropped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (dropped.aborted) return;
    const end = () => clearTimeout(timer);
    const timer = setTimeout(() => {
      dropped.removeEventListener('abort', end);
      resolve();
    }, millis);
    dropped.addEventListener('abort', end, { once: true });
  });
}
