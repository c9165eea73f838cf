import type { PooledInstance } from '../pooled-instance.js';

/** Layouts and codes: WASI preview 1 witx, `subscription`, `event`, `eventtype`, `errno`. */
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const CLOCK = 0;
const REALTIME = 0;
const ABSOLUTE = 1;
const SUCCESS = 0;

const MONOTONIC = 1;

/** The longest that a timer waits: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

type PollOneoff = (input: number, output: number, count: number, written: number) => number;

interface Sleep {
  readonly userdata: bigint;
  readonly nanos: bigint;
}

/**
 * `poll_oneoff` for a guest that only sleeps: resolves when the first of its clocks is due, with the
 * thread free until then. Any other is left to `blocking`: a guest that waits for a file descriptor
 * too, and one that asks for what there is not.
 */
export function suspendingPoll(
  instance: PooledInstance,
  memoryOf: () => WebAssembly.Memory | undefined,
  blocking: PollOneoff,
) {
  return async (input: number, output: number, count: number, written: number): Promise<number> => {
    if (!instance.calls.callable) throw instance.calls.notCallable(); // it was destroyed meanwhile
    const memory = memoryOf();
    if (memory === undefined) return blocking(input, output, count, written);
    const [from, to, total] = [input >>> 0, output >>> 0, written >>> 0];
    const size = memory.buffer.byteLength;
    const within = from + count * SUBSCRIPTION_BYTES <= size && to + count * EVENT_BYTES <= size;
    const sleeps = within && total + 4 <= size ? readSleeps(memory.buffer, from, count) : undefined;
    if (sleeps === undefined) return blocking(input, output, count, written);
    const [{ nanos: least }] = sleeps;
    await sleep(least, instance.dropped);
    const due = sleeps.filter(({ nanos }) => nanos === least);
    const view = new DataView(memory.buffer); // which may have grown meanwhile
    for (const [index, { userdata }] of due.entries()) {
      const at = to + index * EVENT_BYTES;
      new Uint8Array(view.buffer, at, EVENT_BYTES).fill(0);
      view.setBigUint64(at, userdata, true);
    }
    view.setUint32(total, due.length, true);
    return SUCCESS;
  };
}

/** Waits for at least one turn of the event loop. Rejects, and leaves no timer, on `signal`. */
async function sleep(nanos: bigint, signal: AbortSignal): Promise<void> {
  const due = process.hrtime.bigint() + nanos;
  let left = nanos;
  do {
    const millis = Math.min(Math.ceil(Number(left) / 1e6), MAX_TIMER_MILLIS);
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, millis);
      signal.addEventListener('abort', stop, { once: true });
    });
    left = due - process.hrtime.bigint(); // a timer may be a little early, too
  } while (left > 0n);
}

/** The subscriptions, the one that is due first in front, if all of them are to clocks known here. */
function readSleeps(
  buffer: ArrayBufferLike,
  input: number,
  count: number,
): [Sleep, ...Sleep[]] | undefined {
  const view = new DataView(buffer);
  const sleeps: Sleep[] = [];
  for (let index = 0; index < count; index++) {
    const at = input + index * SUBSCRIPTION_BYTES;
    const clock = view.getUint32(at + 16, true);
    if (view.getUint8(at + 8) !== CLOCK || clock > MONOTONIC) return undefined;
    const timeout = view.getBigUint64(at + 24, true);
    const absolute = (view.getUint16(at + 40, true) & ABSOLUTE) !== 0;
    const nanos = absolute ? timeout - now(clock) : timeout;
    sleeps.push({ userdata: view.getBigUint64(at, true), nanos: nanos > 0n ? nanos : 0n });
  }
  const [first, ...rest] = sleeps.sort((a, b) => Number(a.nanos - b.nanos));
  return first && [first, ...rest];
}

function now(clock: number): bigint {
  return clock === REALTIME ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint();
}
