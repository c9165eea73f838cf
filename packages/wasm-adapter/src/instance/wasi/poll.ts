import { WasmError } from '../../errors.js';
import { blockFor, isWorkerThread } from '../../platform/sleep.js';
import { Clock, type Layout, Right } from './abi.js';
import type { Clocks } from './clocks.js';
import type { Descriptors } from './descriptors.js';
import { Errno, fail, WasiFault } from './errno.js';
import type { GuestMemory } from './guest-memory.js';

/** Layouts: WASI preview 1 witx, `subscription`, `event`, `eventtype`. */
const EVENT_BYTES = 32;
const EventType = { clock: 0, read: 1, write: 2 } as const;

/** The flag of a clock that says until when, rather than for how long. */
const ABSOLUTE = 1;

/** More than a guest has descriptors and clocks. */
const MAX_SUBSCRIPTIONS = 4096;

/** The longest that a timer waits: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** How a guest sleeps. */
export interface Sleeper {
  readonly name: string;
  /** The guest can be suspended: its thread is free while it sleeps. */
  readonly suspends: boolean;
  /** Aborted when the instance is dropped. Only asked for where the guest is suspended. */
  readonly dropped: AbortSignal;
  /** The longest that it may block the main thread at a time. */
  readonly maxBlockMillis: number;
  /** Throws where the instance is not to run on. */
  assertRunning(): void;
}

interface Event {
  readonly userdata: bigint;
  readonly type: number;
  readonly errno: number;
  readonly bytes: number;
}

interface Timer {
  readonly userdata: bigint;
  readonly nanos: bigint;
}

/** What a poll needs of its guest. */
interface Guest {
  readonly memory: GuestMemory;
  readonly descriptors: Descriptors;
  readonly clocks: Clocks;
  readonly layout: Layout;
  readonly sleeper: Sleeper;
}

/**
 * `poll_oneoff`. A descriptor is always ready: reading one that has nothing waits by itself. So a
 * guest that has none among its subscriptions sleeps until the first of its clocks is due.
 */
export function poll(
  guest: Guest,
  input: number,
  output: number,
  count: number,
  written: number,
): number | Promise<number> {
  guest.sleeper.assertRunning();
  const { memory } = guest;
  const total = count >>> 0;
  if (total === 0 || total > MAX_SUBSCRIPTIONS) fail(Errno.invalid);
  memory.require(input, total * guest.layout.subscriptionBytes);
  memory.require(output, total * EVENT_BYTES);
  memory.require(written, 4);

  const { ready, timers } = readSubscriptions(guest, input >>> 0, total);
  const least = timers.reduce<bigint | undefined>(
    (first, { nanos }) => (first === undefined || nanos < first ? nanos : first),
    undefined,
  );
  const finish = () => {
    const due = timers
      .filter(({ nanos }) => nanos === least)
      .map(({ userdata }) => ({ userdata, type: EventType.clock, errno: 0, bytes: 0 }));
    writeEvents(memory, output >>> 0, written, ready.length > 0 ? ready : due);
    return Errno.success;
  };
  if (ready.length > 0 || least === undefined) return finish();
  return sleep(guest, least, finish);
}

function readSubscriptions(
  { memory, descriptors, clocks, layout }: Guest,
  input: number,
  count: number,
) {
  const ready: Event[] = [];
  const timers: Timer[] = [];
  for (let index = 0; index < count; index++) {
    const at = input + index * layout.subscriptionBytes;
    const userdata = memory.u64(at);
    const type = memory.u8(at + 8);
    const event = (errno: number, bytes = 0) => ready.push({ userdata, type, errno, bytes });
    if (type === EventType.clock) {
      const clock = memory.u32(at + layout.clockAt);
      const timeout = memory.u64(at + layout.clockAt + 8);
      const absolute = (memory.u16(at + layout.clockAt + 24) & ABSOLUTE) !== 0;
      if (clock > Clock.threadCpu) event(Errno.invalid);
      else {
        const now = clock === Clock.realtime ? clocks.realtime() : clocks.monotonic();
        const nanos = absolute ? timeout - now : timeout;
        timers.push({ userdata, nanos: nanos > 0n ? nanos : 0n });
      }
    } else if (type === EventType.read || type === EventType.write) {
      const fd = memory.u32(at + 16);
      try {
        const wanted = type === EventType.read ? Right.read : Right.write;
        const descriptor = descriptors.get(fd, wanted);
        const left =
          descriptor.kind === 'file' ? descriptor.file.sizeBytes() - descriptor.position : 1;
        event(Errno.success, Math.max(0, left));
      } catch (error) {
        if (!(error instanceof WasiFault)) throw error;
        event(error.errno);
      }
    } else fail(Errno.invalid);
  }
  return { ready, timers };
}

function writeEvents(
  memory: GuestMemory,
  output: number,
  written: number,
  events: readonly Event[],
): void {
  for (const [index, { userdata, type, errno, bytes }] of events.entries()) {
    const at = output + index * EVENT_BYTES;
    memory.bytes(at, EVENT_BYTES).fill(0);
    memory.setU64(at, userdata);
    memory.setU16(at + 8, errno);
    memory.setU8(at + 10, type);
    if (type !== EventType.clock) memory.setU64(at + 16, bytes);
  }
  memory.setU32(written, events.length);
}

/**
 * Waits, then gives what `finish` does. A guest that can be suspended frees its thread, for one turn
 * of the event loop at least. On a thread that may be ended by itself the wait blocks, and ends with
 * the thread. The main thread is blocked for no longer than it may be.
 */
function sleep(
  { clocks, sleeper }: Guest,
  nanos: bigint,
  finish: () => number,
): number | Promise<number> {
  const own = clocks.sleep?.(nanos);
  if (clocks.sleep !== undefined) {
    if (own === undefined || own === null) return finish();
    if (sleeper.suspends) return Promise.resolve(own).then(finish);
    const message = `${sleeper.name}: the clock's sleep gave a promise, and the guest cannot be suspended to wait for it; accepted: one that returns nothing, or promising exports`;
    throw new WasmError('ERR_WASM_JSPI', message);
  }
  if (sleeper.suspends) return suspendedSleep(nanos, sleeper).then(finish);
  const millis = Number(nanos) / 1e6;
  if (!isWorkerThread() && millis > sleeper.maxBlockMillis) {
    throw new WasmError(
      'ERR_WASM_SLEEP',
      `${sleeper.name}: the guest would sleep for ${Math.ceil(millis)} ms, and block the main thread; accepted: at most ${sleeper.maxBlockMillis} ms (the option maxBlockMillis of wasi), any time for exports that are promising (JSPI), and on threads (createWasmWorkerPool)`,
    );
  }
  const start = clocks.monotonic();
  for (let left = nanos; left > 0n; left = start + nanos - clocks.monotonic()) {
    if (blockFor(Math.min(Math.ceil(Number(left) / 1e6), MAX_TIMER_MILLIS))) continue;
    const message = `${sleeper.name}: the guest would sleep, and this thread cannot be blocked; accepted: promising exports (JSPI), or a thread`;
    throw new WasmError('ERR_WASM_SLEEP', message);
  }
  return finish();
}

/** Waits for at least one turn of the event loop. Rejects, and leaves no timer, once it is dropped. */
async function suspendedSleep(nanos: bigint, { dropped }: Sleeper): Promise<void> {
  const start = performance.now();
  const millis = Number(nanos) / 1e6;
  let left = millis;
  do {
    const wait = Math.min(Math.ceil(left), MAX_TIMER_MILLIS);
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(dropped.reason);
      };
      const timer = setTimeout(() => {
        dropped.removeEventListener('abort', stop);
        resolve();
      }, wait);
      dropped.addEventListener('abort', stop, { once: true });
    });
    left = start + millis - performance.now(); // a timer may be a little early, too
  } while (left > 0);
}
