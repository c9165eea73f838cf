/** Layouts and codes: WASI preview 1 witx, `subscription`, `event`, `eventtype`, `errno`. */
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const CLOCK = 0;
const REALTIME = 0;
const ABSOLUTE = 1;
const SUCCESS = 0;

type PollOneoff = (input: number, output: number, count: number, written: number) => number;

interface Sleep {
  readonly userdata: bigint;
  readonly nanos: bigint;
}

/**
 * `poll_oneoff` for a guest that only sleeps: resolves when the first of its clocks is due, with the
 * thread free until then. A guest that waits for a file descriptor too is left to `blocking`.
 */
export function suspendingPoll(memory: () => WebAssembly.Memory | undefined, blocking: PollOneoff) {
  return async (input: number, output: number, count: number, written: number): Promise<number> => {
    const buffer = memory()?.buffer;
    const sleeps = buffer && readSleeps(new DataView(buffer), input >>> 0, count);
    if (buffer === undefined || sleeps === undefined) {
      return blocking(input, output, count, written);
    }
    const [{ nanos: least }] = sleeps;
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(Number(least) / 1e6)));
    const view = new DataView(memory()?.buffer ?? buffer);
    const due = sleeps.filter(({ nanos }) => nanos === least);
    for (const [index, { userdata }] of due.entries()) {
      const at = (output >>> 0) + index * EVENT_BYTES;
      new Uint8Array(view.buffer, at, EVENT_BYTES).fill(0);
      view.setBigUint64(at, userdata, true);
    }
    view.setUint32(written >>> 0, due.length, true);
    return SUCCESS;
  };
}

/** The subscriptions, the one that is due first in front, if all of them are to clocks. */
function readSleeps(view: DataView, input: number, count: number): [Sleep, ...Sleep[]] | undefined {
  const sleeps: Sleep[] = [];
  for (let index = 0; index < count; index++) {
    const at = input + index * SUBSCRIPTION_BYTES;
    if (view.getUint8(at + 8) !== CLOCK) return undefined;
    const timeout = view.getBigUint64(at + 24, true);
    const absolute = (view.getUint16(at + 40, true) & ABSOLUTE) !== 0;
    const nanos = absolute ? timeout - now(view.getUint32(at + 16, true)) : timeout;
    sleeps.push({ userdata: view.getBigUint64(at, true), nanos: nanos > 0n ? nanos : 0n });
  }
  const [first, ...rest] = sleeps.sort((a, b) => Number(a.nanos - b.nanos));
  return first && [first, ...rest];
}

function now(clock: number): bigint {
  return clock === REALTIME ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint();
}
