// WASI's poll_oneoff in a pool whose exports are promising: a guest that sleeps is suspended.
import { execFile } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createWasmPool, type WasmInstance, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

interface Poller {
  memory: WebAssembly.Memory;
  poll(input: number, output: number, count: number, written: number): Promise<number>;
  pollForever(): Promise<void>;
}

const bytes = wat(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "poll") (param i32 i32 i32 i32) (result i32)
    (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "pollForever")
    (loop $again
      (drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 4096)))
      (br $again))))`);

const pooled = (options: WasmPoolOptions<Poller> = {}) =>
  createWasmPool<Poller>(bytes, { wasi: true, promising: ['poll', 'pollForever'], ...options });

const Clock = { realtime: 0, monotonic: 1, cpu: 2, none: 9 } as const;
const ABSOLUTE = 1;
const MILLI = 1_000_000n;
const [SUCCESS, BAD_DESCRIPTOR, FAULT, INVALID] = [0, 8, 21, 28];

/** The built package, for another process. */
const adapter = new URL('../../../packages/wasm-adapter/dist/index.js', import.meta.url).href;

interface Subscription {
  readonly userdata: bigint;
  readonly clock?: number;
  readonly nanos?: bigint;
  readonly flags?: number;
  /** A file descriptor to write to, instead of a clock. */
  readonly fd?: number;
}

const OUTPUT = 1_024;
const WRITTEN = 4_096;

function subscribe(memory: WebAssembly.Memory, subscriptions: readonly Subscription[]): void {
  const view = new DataView(memory.buffer);
  for (const [index, subscription] of subscriptions.entries()) {
    const { userdata, clock = Clock.monotonic, nanos = 0n, flags = 0, fd } = subscription;
    const at = index * 48;
    view.setBigUint64(at, userdata, true);
    view.setUint8(at + 8, fd === undefined ? 0 : 2);
    view.setUint32(at + 16, fd ?? clock, true);
    view.setBigUint64(at + 24, nanos, true);
    view.setBigUint64(at + 32, 0n, true);
    view.setUint16(at + 40, flags, true);
  }
  new Uint8Array(memory.buffer, OUTPUT, WRITTEN + 4 - OUTPUT).fill(0xaa);
}

/** The userdata of the events that the guest was given. */
function eventsOf(memory: WebAssembly.Memory): bigint[] {
  const view = new DataView(memory.buffer);
  const count = view.getUint32(WRITTEN, true);
  return Array.from({ length: count }, (_, index) => {
    const at = OUTPUT + index * 32;
    expect(view.getUint16(at + 8, true)).toBe(SUCCESS);
    return view.getBigUint64(at, true);
  });
}

async function poll(
  { exports }: WasmInstance<Poller>,
  ...subscriptions: Subscription[]
): Promise<bigint[] | number> {
  subscribe(exports.memory, subscriptions);
  const errno = await exports.poll(0, OUTPUT, subscriptions.length, WRITTEN);
  return errno === SUCCESS ? eventsOf(exports.memory) : errno;
}

const monotonic = () => BigInt(Math.round(performance.now() * 1e6));

// The clocks are those of the test: no time passes but by its word.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** How many milliseconds it takes, by the clocks of the test. */
async function timed<R>(work: PromiseLike<R>, most = 100_000): Promise<[R | undefined, number]> {
  let result: R | undefined;
  let over = false;
  void work.then((value) => {
    result = value;
    over = true;
  });
  await turn();
  let millis = 0;
  for (; !over && millis < most; millis++) {
    await vi.advanceTimersByTimeAsync(1);
    await turn();
  }
  return [result, millis];
}

describe('a guest that sleeps', () => {
  test('is suspended, and its thread is free for others', async () => {
    await using pool = await pooled();
    const sleeps = [50n, 10n, 30n].map((millis) =>
      timed(pool.use((instance) => poll(instance, { userdata: millis, nanos: millis * MILLI }))),
    );
    await turn();
    expect(pool.borrowed).toBe(3);
    const seen = await Promise.all(sleeps);
    expect(seen.map(([events]) => events)).toEqual([[50n], [10n], [30n]]);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test('wakes when its time has come, and not before', async () => {
    await using pool = await pooled();
    const call = pool.use((instance) => poll(instance, { userdata: 7n, nanos: 250n * MILLI }));
    expect(await timed(call)).toEqual([[7n], 250]);
  });

  test.each([
    ['on the monotonic clock', Clock.monotonic, monotonic],
    ['by the time of day', Clock.realtime, () => BigInt(Date.now()) * MILLI],
  ])('wakes at a time %s', async (_, clock, now) => {
    await using pool = await pooled();
    const at = { clock, flags: ABSOLUTE, nanos: now() + 40n * MILLI };
    const call = pool.use((instance) => poll(instance, { userdata: 1n, ...at }));
    expect(await timed(call)).toEqual([[1n], 40]);
  });

  test.each([
    ['for no time', { nanos: 0n }],
    ['until a time that is over', { nanos: 5n, flags: ABSOLUTE, clock: Clock.realtime }],
  ])('%s lets the event loop turn all the same', async (_, how) => {
    await using pool = await pooled();
    let over = false;
    const call = pool.use((instance) => poll(instance, { userdata: 1n, ...how }));
    void call.then(() => {
      over = true;
    });
    await turn();
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toEqual([1n]);
  });

  test('on several clocks wakes with the first, and all that are due with it', async () => {
    await using pool = await pooled();
    const now = monotonic();
    const call = pool.use((instance) =>
      poll(
        instance,
        { userdata: 1n, nanos: 90n * MILLI },
        { userdata: 2n, nanos: 20n * MILLI },
        { userdata: 3n, nanos: now + 60n * MILLI, flags: ABSOLUTE },
        { userdata: 4n, nanos: 20n * MILLI },
        { userdata: 2n ** 64n - 1n, nanos: 20n * MILLI },
      ),
    );
    expect(await timed(call)).toEqual([[2n, 4n, 2n ** 64n - 1n], 20]);
  });

  test('for longer than a timer can wait sleeps on', async () => {
    await using pool = await pooled();
    let over = false;
    const month = 31 * 24 * 60 * 60 * 1_000;
    const call = pool.use((instance) =>
      poll(instance, { userdata: 1n, nanos: BigInt(month) * MILLI }),
    );
    void call.then(() => {
      over = true;
    });
    await turn();
    await vi.advanceTimersByTimeAsync(month - 1);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toEqual([1n]);
  });

  test('has its events where its memory is by then, if that has grown meanwhile', async () => {
    await using pool = await pooled();
    const call = pool.use(async (instance) => {
      const events = poll(instance, { userdata: 1n, nanos: MILLI });
      instance.exports.memory.grow(1);
      return events;
    });
    expect(await timed(call)).toEqual([[1n], 1]);
  });

  test('can be restored afterwards', async () => {
    await using pool = await pooled({ reset: 'restore', max: 1 });
    for (let loan = 0; loan < 2; loan++) {
      const call = pool.use((instance) => poll(instance, { userdata: 1n, nanos: MILLI }));
      expect(await timed(call)).toEqual([[1n], 1]);
    }
    expect(pool.stats().created).toBe(1);
  });
});

test('a guest whose memory is not its first sleeps by the one that is exported as memory', async () => {
  const second = wat(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory $private 0)
    (memory (export "memory") 1)
    (func (export "poll") (param i32 i32 i32 i32) (result i32)
      (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3))))`);
  await using pool = await createWasmPool<Poller>(second, { wasi: true, promising: ['poll'] });
  const call = pool.use((instance) => poll(instance, { userdata: 7n, nanos: 5n * MILLI }));
  expect(await timed(call)).toEqual([[7n], 5]);
});

test('a guest without memory is told that its pointers lead nowhere', async () => {
  const none = wat(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (func (export "poll") (param i32 i32 i32 i32) (result i32)
      (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3))))`);
  await using pool = await createWasmPool<Poller>(none, { wasi: true, promising: ['poll'] });
  expect(await pool.use(({ exports }) => exports.poll(0, 64, 1, 128))).toBe(FAULT);
  expectAtRest(pool);
});

test('a guest of the first WASI, whose subscriptions are larger, is suspended as well', async () => {
  const old = wat(`(module
    (import "wasi_unstable" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "poll") (param i32 i32 i32 i32) (result i32)
      (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3))))`);
  await using pool = await createWasmPool<Poller>(old, { wasi: true, promising: ['poll'] });
  const call = pool.use(async ({ exports }) => {
    const view = new DataView(exports.memory.buffer);
    view.setBigUint64(0, 9n, true); // its userdata; at 16 an identifier, at 24 the clock
    view.setUint32(24, Clock.monotonic, true);
    view.setBigUint64(32, 30n * MILLI, true);
    expect(await exports.poll(0, OUTPUT, 1, WRITTEN)).toBe(SUCCESS);
    return view.getBigUint64(OUTPUT, true);
  });
  expect(await timed(call)).toEqual([9n, 30]);
  expectAtRest(pool);
});

describe('a guest that waits for something else', () => {
  test('too, such as a standard stream, finds that ready at once', async () => {
    await using pool = await pooled();
    const events = await pool.use((instance) =>
      poll(instance, { userdata: 1n, nanos: 10n ** 12n }, { userdata: 2n, fd: 1 }),
    );
    expect(events).toEqual([2n]);
    expectAtRest(pool);
  });

  test('that is not open, or a clock that there is none of, is told so by an event', async () => {
    await using pool = await pooled();
    const errors = await pool.use(async ({ exports }) => {
      const unknown = { userdata: 1n, clock: Clock.none, nanos: 1n };
      subscribe(exports.memory, [unknown, { userdata: 2n, fd: 77 }]);
      expect(await exports.poll(0, OUTPUT, 2, WRITTEN)).toBe(SUCCESS);
      const view = new DataView(exports.memory.buffer);
      return [8, 40].map((at) => view.getUint16(OUTPUT + at, true));
    });
    expect(errors).toEqual([INVALID, BAD_DESCRIPTOR]);
  });

  test('its processor time, sleeps for as long', async () => {
    await using pool = await pooled();
    const call = pool.use((instance) =>
      poll(instance, { userdata: 3n, clock: Clock.cpu, nanos: 5n * MILLI }),
    );
    expect(await timed(call)).toEqual([[3n], 5]);
  });

  test.each([
    ['for nothing', INVALID, 0, OUTPUT, 0, WRITTEN],
    ['for subscriptions out of range', FAULT, 65_530, OUTPUT, 1, WRITTEN],
    ['with its events out of range', FAULT, 0, 65_530, 1, WRITTEN],
    ['with their number out of range', FAULT, 0, OUTPUT, 1, 65_534],
    ['for more than anybody subscribes to', INVALID, 0, OUTPUT, -1, WRITTEN],
    ['by a pointer that is negative', FAULT, -16, OUTPUT, 1, WRITTEN],
  ])('%s gets an error number, and no trap', async (_, wanted, ...args) => {
    await using pool = await pooled();
    const errno = await pool.use(({ exports }) => {
      subscribe(exports.memory, [{ userdata: 1n, nanos: 10n ** 18n }]);
      return exports.poll(...args);
    });
    expect(errno).toBe(wanted);
    expect(pool.stats().destroyed).toBe(0);
  });
});

describe('a guest that sleeps, of exports that are not promising,', () => {
  const nap = (nanos: bigint) => (instance: WasmInstance<Poller>) => {
    subscribe(instance.exports.memory, [{ userdata: 5n, nanos }]);
    expect(instance.exports.poll(0, OUTPUT, 1, WRITTEN)).toBe(SUCCESS);
    return eventsOf(instance.exports.memory);
  };

  test('blocks its thread, and is not suspended', async () => {
    vi.useRealTimers();
    await using pool = await pooled({ promising: false });
    const start = performance.now();
    expect(await pool.use(nap(20n * MILLI))).toEqual([5n]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(20);
  });

  test('for longer than it may block the main thread, is ended by an error that says what to do', async () => {
    const said = await sleepInMainThread();
    expect(said).toContain('ERR_WASM_SLEEP');
    expect(said).toContain('would sleep for 60000 ms');
  });

  test('by a clock of its own, takes no time', async () => {
    let now = 0n;
    const clock = {
      realtimeNanos: () => now,
      monotonicNanos: () => now,
      sleep(nanos: bigint) {
        now += nanos;
      },
    };
    await using pool = await pooled({ promising: false, wasi: { clock } });
    expect(await pool.use(nap(3600n * 1000n * MILLI))).toEqual([5n]);
    expect(now).toBe(3600n * 1000n * MILLI);
  });
});

/** What a guest that sleeps for a minute is told on the main thread, which no test runs on. */
async function sleepInMainThread(): Promise<string> {
  vi.useRealTimers();
  const program = `
    const { createWasmPool } = await import(${JSON.stringify(adapter)});
    const bytes = Uint8Array.from(${JSON.stringify(Array.from(bytes))});
    const pool = await createWasmPool(bytes, { wasi: true });
    await pool.use(({ exports }) => {
      const view = new DataView(exports.memory.buffer);
      view.setUint32(16, 1, true);
      view.setBigUint64(24, 60_000_000_000n, true);
      return exports.poll(0, 1024, 1, 4096);
    }).catch((error) => console.log(error.code, error.message));
    await pool.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    program,
  ]);
  return stdout;
}

describe('a guest that is asleep when its instance is destroyed', () => {
  test('is woken by an error, and leaves no timer', async () => {
    const pool = await pooled();
    const call = failure(
      pool.use((instance) => poll(instance, { userdata: 1n, nanos: 10n ** 18n })),
    );
    await turn();
    expect(vi.getTimerCount()).toBe(1);
    const closing = pool.close({ timeoutMillis: 5 });
    await vi.advanceTimersByTimeAsync(5);
    await closing;
    expect(await call).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
    expect(vi.getTimerCount()).toBe(0);
    expectAtRest(pool);
  });

  test('that it catches cannot sleep again', async () => {
    const stubborn = wat(`(module
      (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "pollForever") (result i32) (local $caught i32)
        (loop $again
          (block $error
            (try_table (catch_all $error)
              (drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 4096)))
              (br $again)))
          (local.set $caught (i32.add (local.get $caught) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $caught) (i32.const 5))))
        (local.get $caught)))`);
    await using pool = await createWasmPool<Poller>(stubborn, { wasi: true, promising: true });
    const instance = await pool.acquire();
    subscribe(instance.exports.memory, [{ userdata: 1n, nanos: MILLI }]);
    const call = instance.exports.pollForever();
    await vi.advanceTimersByTimeAsync(3);
    await pool.destroy(instance);
    expect(await call).toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not sleep again, for ever', async () => {
    await using pool = await pooled();
    const instance = await pool.acquire();
    subscribe(instance.exports.memory, [{ userdata: 1n, nanos: MILLI }]);
    const call = failure(instance.exports.pollForever());
    for (let millis = 0; millis < 5; millis++) {
      await vi.advanceTimersByTimeAsync(1);
      await turn();
    }
    await pool.release(instance);
    expect(await call).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
    expect(vi.getTimerCount()).toBe(0);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
  });
});
