// Runs in the threads of these tests, as Node.js runs TypeScript: without a compiler.
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { move, type WasmInstance } from '@wasm-pool/wasm-adapter';
import type { Guest } from '../guest.js';

type Instance = WasmInstance<Guest>;

export const sum = ({ exports }: Instance, a: number, b: number) => exports.add(a, b);
export const sumLater = async ({ exports }: Instance, a: number, b: number) => {
  await sleep(1);
  return exports.add(a, b);
};
export const echo = (_: Instance, ...values: unknown[]) => values;
export const who = ({ id, name, memoryBytes }: Instance) => ({ id, name, memoryBytes, threadId });
export const contextOf = ({ context }: Instance) => context;

/** Says that it has begun, and blocks its thread until it may go on; see `Gate`. */
export const hold = (_: Instance, words: Int32Array) => {
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  Atomics.wait(words, 1, 0);
};
/** The same, without blocking the thread. */
export const holdLater = async (_: Instance, words: Int32Array) => {
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  while (Atomics.load(words, 1) === 0) await sleep(1);
};
export const mark = (_: Instance, words: Int32Array) => void Atomics.add(words, 0, 1);
export const loop = (_: Instance, words?: Int32Array) => {
  if (words !== undefined) {
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  }
  for (;;);
};
export const never = () => new Promise<never>(() => {});
export const sleepFor = (_: Instance, millis: number) => sleep(millis);

export const trapCaught = ({ exports }: Instance) => {
  try {
    exports.trap();
  } catch {
    return 'caught';
  }
  return 'no trap';
};
export const callsTwice = ({ exports }: Instance) => [exports.count(), exports.count()];

export const size = (_: Instance, bytes: Uint8Array) => bytes.byteLength;
export const moveBack = (_: Instance, bytes: Uint8Array) => move(bytes);
export const movePair = (_: Instance, bytes: number) => {
  const [left, right] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes).fill(2)];
  return move({ left, right }, [left.buffer, right.buffer]);
};
export const moveMemory = ({ exports }: Instance) => move(new Uint8Array(exports.memory.buffer));
export const copyOfMemory = ({ exports }: Instance, at: number, length: number) => {
  exports.poke(at, 7);
  return new Uint8Array(exports.memory.buffer, at, length);
};
export const unclonable = () => () => {};
export const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
export const allocate = () => {
  const all: unknown[] = [];
  for (;;) all.push(new Array(10_000).fill(Math.random()));
};

export const exit = (_: Instance, code: number) => process.exit(code);
export const exitSoon = (_: Instance, millis: number) =>
  void setTimeout(() => process.exit(3), millis);
export const throwSoon = (_: Instance) =>
  void setImmediate(() => {
    throw new Error('nobody waits for this');
  });

class Unusual extends RangeError {
  readonly code = 'ERR_UNUSUAL';
  readonly details = { at: 5 };
  readonly callback = () => {};
}
export const fail = (_: Instance, how: string): unknown => {
  const cause = new TypeError('the cause');
  switch (how) {
    case 'unusual':
      throw new Unusual('out of the ordinary', { cause });
    case 'aggregate':
      throw new AggregateError([new Unusual('one'), 'two'], 'both failed');
    case 'circular': {
      const error = new Error('round');
      error.cause = new Error('and round', { cause: error });
      throw error;
    }
    case 'wide': {
      const error = new AggregateError([], 'wide');
      error.errors = Array.from({ length: 30 }, () => error);
      throw error;
    }
    case 'dom':
      throw new DOMException('given up', 'AbortError');
    case 'frozen':
      throw Object.freeze(new Error('frozen'));
    case 'unreadable':
      throw Object.defineProperty(new Error('unreadable'), 'detail', {
        enumerable: true,
        get() {
          throw new Error('no detail');
        },
      });
    case 'strange': {
      const error = new Error('strange');
      Object.defineProperty(error, 'stack', { value: () => 'no text' });
      throw error;
    }
    default:
      throw new Error(how);
  }
};
export const throwValue = (_: Instance, value: unknown) => {
  throw value;
};
export const throwLater = async (_: Instance, value: unknown) => {
  await sleep(1);
  throw value;
};
export const throwFunction = () => {
  throw () => {};
};

let ticks = 0;
setInterval(() => ticks++, 5).unref();
export const ticksSoFar = () => ticks;

export const notATask = 5;

/** Where the calls of a random sequence write down that they ran; see `sequence.ts`. */
export interface Record {
  readonly words: Int32Array;
  readonly at: number;
}

let running = 0;
const begin = ({ words, at }: Record) => {
  Atomics.add(words, 2 * at, 1);
  Atomics.store(words, 2 * at + 1, Atomics.add(words, 0, 1) + 1);
  if (running++ > 0) Atomics.add(words, 1, 1); // two at once
};

/** Does what it is told, and writes down that it did. */
export const step = ({ exports }: Instance, kind: string, record: Record, bytes?: Uint8Array) => {
  begin(record);
  try {
    switch (kind) {
      case 'throws':
        throw new RangeError('as it was told');
      case 'traps':
        return exports.trap();
      case 'exits':
        return process.exit(1);
      case 'loops':
        for (;;);
      case 'blocks':
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        return record.at;
      case 'moves':
        return move(bytes as Uint8Array);
      case 'is unclonable':
        return () => {};
      default:
        return record.at;
    }
  } finally {
    running--;
  }
};
export const stepLater = async (instance: Instance, kind: string, record: Record) => {
  begin(record);
  try {
    await sleep(kind === 'hangs' ? 2 ** 30 : 2);
    if (kind === 'throws') throw new RangeError('as it was told');
    if (kind === 'crashes') setImmediate(() => instance.exports.trap());
    if (kind === 'crashes') await sleep(2 ** 30);
    return record.at;
  } finally {
    running--;
  }
};

export const nested = (_: Instance, levels: number) => {
  let all: unknown[] = [];
  for (let level = 0; level < levels; level++) all = [all];
  return all;
};
/** Nested more deeply than a clone can be. */
export const oversized = (instance: Instance) => nested(instance, 100_000);
