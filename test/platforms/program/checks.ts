// What every platform is asked to do. Each check throws where it goes wrong.
import type * as CoreApi from '@wasm-pool/core';
import type * as AdapterApi from '@wasm-pool/wasm-adapter';
import { runContract, testPool } from '../contract/run-contract.js';
import type * as Tasks from './tasks.js';

/** What a platform gives to the program. */
export interface Setting {
  readonly core: typeof CoreApi;
  readonly adapter: typeof AdapterApi;
  /** The guests: bytes, or a compiled module where the platform compiles none. */
  readonly guests: Readonly<
    Record<'counter' | 'asker' | 'tool', Uint8Array<ArrayBuffer> | WebAssembly.Module>
  >;
  /** Where the tasks are: the URL of their module, or what starts a thread that serves them. */
  readonly tasks?: TheirModule | TheirWorker | undefined;
  /** A folder of the host, with `in.txt`, which says `from the host`. */
  readonly folder?: string | undefined;
  /** A component that adds, transpiled ahead. */
  readonly component?: AdapterApi.TranspiledComponent | undefined;
  /** The same, as a compiler made it. */
  readonly componentBytes?: Uint8Array<ArrayBuffer> | undefined;
}

type WorkerOption<Name extends 'module' | 'worker'> = Required<
  Pick<AdapterApi.WasmWorkerPoolOptions, Name>
>;
type TheirModule = WorkerOption<'module'>;
type TheirWorker = WorkerOption<'worker'>;

/** For platforms without threads. */
const noTasks: TheirModule = { module: 'data:text/javascript,' };

interface Counter {
  add(a: number, b: number): number;
  next(): number;
}

function same(given: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(given), JSON.stringify(expected)];
  if (one !== other) throw new Error(`got ${one}, expected ${other}`);
}

async function failure(promise: PromiseLike<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function core({ core: { createPool } }: Setting): Promise<void> {
  let made = 0;
  const pool = createPool({ create: () => ({ id: ++made }), destroy() {} }, { max: 2 });
  same(await pool.use(({ id }) => id), 1);
  const [one, two] = [await pool.acquire(), await pool.acquire()];
  const late = await failure(pool.acquire({ timeoutMillis: 5 }));
  same(late.code, 'ERR_POOL_ACQUIRE_TIMEOUT');
  await pool.release(one);
  await pool.release(two);
  await pool.close();
}

async function modules({ adapter, guests }: Setting): Promise<void> {
  const pool = await adapter.createWasmPool<Counter>(guests.counter, { max: 2 });
  same(await pool.use(({ exports }) => exports.add(1, 2)), 3);
  same(
    pool.useSync(({ exports }) => exports.next()),
    11,
  );
  same(
    pool.useSync(({ exports }) => exports.next()),
    22,
  );
  await pool.close();
  const budget = adapter.createWasmPoolFactory({ maxInstances: 1 });
  const first = await budget.create<Counter>(guests.counter, { max: 1 });
  same(await first.use(({ exports }) => exports.add(2, 2)), 4);
  await budget.close();
}

async function restore({ adapter, guests }: Setting): Promise<void> {
  const options = { max: 1, reset: 'restore' } as const;
  const pool = await adapter.createWasmPool<Counter>(guests.counter, options);
  for (let loan = 0; loan < 3; loan++) same(await pool.use(({ exports }) => exports.next()), 11);
  await pool.close();
}

/** The instance is put back rather than replaced. */
async function restoreInPlace({ adapter, guests }: Setting): Promise<void> {
  const options = { max: 1, reset: 'restore' } as const;
  const pool = await adapter.createWasmPool<Counter>(guests.counter, options);
  for (let loan = 0; loan < 3; loan++) await pool.use(({ exports }) => exports.next());
  same(pool.stats().created, 1);
  await pool.close();
}

async function copies({ adapter, guests }: Setting): Promise<void> {
  const preinitialize = ({ exports }: { exports: Counter }) => exports.next();
  const options = { preinitialize, max: 2, min: 2 };
  const pool = await adapter.createWasmPool<Counter>(guests.counter, options);
  same(await pool.use(({ exports }) => exports.next()), 22);
  await pool.close();
  const snapshot = await adapter.createWasmSnapshot<Counter>(guests.counter, { preinitialize });
  const other = await adapter.createWasmPool<Counter>(guests.counter, { max: 1, snapshot });
  same(await other.use(({ exports }) => exports.next()), 22);
  await other.close();
}

async function jspi({ adapter, guests }: Setting): Promise<void> {
  const ask = adapter.suspending(async (value: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return value + 1;
  });
  const pool = await adapter.createWasmPool<{ ask(value: number): Promise<number> }>(guests.asker, {
    max: 1,
    imports: { env: { ask } },
    promising: ['ask'],
  });
  same(await pool.use(({ exports }) => exports.ask(41)), 42);
  await pool.close();
}

async function wasi({ adapter, guests }: Setting): Promise<void> {
  const pool = await adapter.createWasmCommandPool(guests.tool, { max: 1 });
  const echo = await pool.run({ args: ['echo', 'hello'] });
  same([echo.exitCode, decode(echo.stdout)], [0, 'hello\n']);
  const cat = await pool.run({ args: ['cat'], stdin: 'from the input' });
  same(decode(cat.stdout), 'from the input');
  const read = await pool.run({
    args: ['read', '/data/in.txt'],
    files: { '/data/in.txt': 'from memory' },
  });
  same(decode(read.stdout), 'from memory');
  same(decode((await pool.run({ args: ['count'] })).stdout), '1\n');
  await pool.close();
}

async function folders({ adapter, guests, folder = '/tmp' }: Setting): Promise<void> {
  const pool = await adapter.createWasmCommandPool(guests.tool, {
    max: 1,
    preopens: { '/data': folder },
  });
  const read = await pool.run({ args: ['read', '/data/in.txt'] });
  same(decode(read.stdout), 'from the host');
  const written = await pool.run({ args: ['write', '/data/out.txt', 'to the host'] });
  same(written.exitCode, 0);
  same(decode((await pool.run({ args: ['read', '/data/out.txt'] })).stdout), 'to the host');
  await pool.close();
}

async function threads({ adapter, guests, tasks = noTasks }: Setting): Promise<void> {
  let printed = '';
  const pool = await adapter.createWasmWorkerPool<typeof Tasks>(guests.counter, {
    ...tasks,
    max: 2,
    reset: 'restore',
    hosts: {
      double: (it: number) => 2 * it,
      greet: async ({ name }: { name: string }) => ({
        greeting: `hello ${name}`,
        bytes: new Uint8Array(300_000).fill(7),
      }),
      refuse() {
        throw new RangeError('not today');
      },
    },
    stdout: (output) => {
      printed += decode(output);
    },
  });
  const { run } = pool;
  same(await Promise.all([run.next(), run.next(), run.next(), run.next()]), [11, 11, 11, 11]);
  same(await run.doubleLater(21), 42);

  const value = { list: [1, 'two', null], when: new Date(5), bytes: new Uint8Array([1, 2, 3]) };
  same(await run.echo(value), value);
  const bytes = new Uint8Array(100_000).fill(1);
  same(await run.sum(adapter.move(bytes)), 100_000);
  same(bytes.byteLength, 0);

  const error = await failure(run.fail('as thrown'));
  same([error instanceof RangeError, error.message], [true, 'as thrown']);
  same(error.cause instanceof TypeError, true);
  same((await failure(run.tooMuch())).code, 'ERR_WASM_CLONE');

  await run.print('one line');
  same(printed, 'one line\n');

  const controller = new AbortController();
  const waiting = failure(pool.call('waitFor', [], { signal: controller.signal }));
  setTimeout(() => controller.abort(new Error('no longer needed')), 20);
  same((await waiting).message, 'no longer needed');

  same(await run.next(), 11);
  const crashed = pool.use(async ({ run: lent }) => {
    await lent.failLater();
    await lent.waitFor();
  });
  const exit = await failure(crashed);
  same([exit.code, (exit.cause as Error).message], ['ERR_WASM_WORKER_EXIT', 'nobody catches this']);
  const rejected = pool.use(async ({ run: lent }) => {
    await lent.rejectLater();
    await lent.waitFor();
  });
  same((await failure(rejected)).code, 'ERR_WASM_WORKER_EXIT');
  same(await run.next(), 11);
  await pool.close();
  same(pool.stats().threads, 0);
}

async function endlessGuests({ adapter, guests, tasks = noTasks }: Setting): Promise<void> {
  const pool = await adapter.createWasmWorkerPool<typeof Tasks>(guests.counter, {
    ...tasks,
    max: 1,
  });
  const late = await failure(pool.call('spin', [], { callTimeoutMillis: 50 }));
  same(late.code, 'ERR_WASM_CALL_TIMEOUT');
  await pool.close();
  if (pool.stats().threads > 0) throw new Error('the thread does not end');
}

async function blockingHosts({ adapter, guests, tasks = noTasks }: Setting): Promise<void> {
  const pool = await adapter.createWasmWorkerPool<typeof Tasks>(guests.counter, {
    ...tasks,
    max: 1,
    hosts: {
      double: (it: number) => 2 * it,
      greet: async ({ name }: { name: string }) => ({
        greeting: `hello ${name}`,
        bytes: new Uint8Array(300_000).fill(7),
      }),
      refuse() {
        throw new RangeError('not today');
      },
    },
  });
  try {
    const { run } = pool;
    same(await run.double(21), 42);
    const { greeting, bytes } = await run.greet('you');
    same([greeting, bytes.length, bytes[299_999]], ['hello you', 300_000, 7]);
    same(await run.refused(), 'RangeError: not today');
  } finally {
    await pool.close();
  }
}

async function preparedThreads({ adapter, guests, tasks = noTasks }: Setting): Promise<void> {
  const preinitialize = ({ exports }: { exports: Counter }) => exports.next();
  const snapshot = await adapter.createWasmSnapshot<Counter>(guests.counter, { preinitialize });
  const pool = await adapter.createWasmWorkerPool<typeof Tasks>(guests.counter, {
    ...tasks,
    max: 2,
    min: 2,
    snapshot,
  });
  same(await Promise.all([pool.run.next(), pool.run.next()]), [22, 22]);
  await pool.close();
}

/** Nothing but the module: its exports are what the threads do. */
async function exportsOnThreads({ adapter, guests }: Setting): Promise<void> {
  const pool = await adapter.createWasmWorkerPool<Counter>(guests.counter, { max: 2 });
  same(await Promise.all([pool.run.add(1, 2), pool.run.add(3, 4)]), [3, 7]);
  await pool.close();
}

type Adder = { 'docs:adder/add@0.1.0': { add(a: number, b: number): number } };

async function components({ adapter, component }: Setting): Promise<void> {
  if (component === undefined) throw new Error('no component was given');
  const pool = await adapter.createWasmPool<Adder>(component, { max: 1 });
  same(await pool.use(({ exports }) => exports['docs:adder/add@0.1.0'].add(1, 2)), 3);
  await pool.close();
}

async function transpiling({ adapter, componentBytes }: Setting): Promise<void> {
  if (componentBytes === undefined) throw new Error('no component was given');
  const pool = await adapter.createWasmPool<Adder>(componentBytes, { max: 1 });
  same(await pool.use(({ exports }) => exports['docs:adder/add@0.1.0'].add(1, 2)), 3);
  await pool.close();
}

/** The suite that all pools pass: see test/helpers/test-pool.ts. */
async function contract({ core: { createPool }, adapter, guests }: Setting): Promise<void> {
  const add = ({ exports }: { exports: Counter }) => exports.add(1, 2);
  const budget = adapter.createWasmPoolFactory({ maxInstances: 100 });
  await runContract(() => {
    testPool({
      name: 'a pool of anything',
      create: (options) =>
        createPool({ create: () => ({ value: 3 }), destroy() {}, recycle: () => true }, options),
      work: ({ value }) => value,
    });
    testPool({
      name: 'a pool of instances',
      create: (options) => adapter.createWasmPool<Counter>(guests.counter, options),
      work: add,
    });
    testPool({
      name: 'a pool of instances within a budget',
      create: (options) => budget.create<Counter>(guests.counter, options),
      work: add,
    });
  });
  await budget.close();
}

/** The same where instances are restored in place. */
async function contractRestored({ adapter, guests }: Setting): Promise<void> {
  await runContract(() => {
    testPool({
      name: 'a pool of instances that are restored',
      create: (options) =>
        adapter.createWasmPool<Counter>(guests.counter, { ...options, reset: 'restore' }),
      work: ({ exports }) => exports.add(1, 2),
    });
  });
}

async function contractOnThreads({ adapter, guests, tasks = noTasks }: Setting): Promise<void> {
  await runContract(() =>
    testPool({
      name: 'a pool of instances on threads',
      create: (options) =>
        adapter.createWasmWorkerPool<typeof Tasks>(guests.counter, { ...options, ...tasks }),
      work: ({ run }) => run.three(),
    }),
  );
}

const checks = {
  core,
  modules,
  restore,
  restoreInPlace,
  copies,
  jspi,
  wasi,
  folders,
  exportsOnThreads,
  threads,
  endlessGuests,
  blockingHosts,
  preparedThreads,
  components,
  transpiling,
  contract,
  contractRestored,
  contractOnThreads,
};

/** The parts of the program. */
export type Check = keyof typeof checks;

/** `'ok'`, or what went wrong. */
export type Results = Readonly<Record<Check, string>>;

/** A check may take so long, on any machine: only one that hangs does. */
const TIMEOUT_MILLIS = 60_000;

/** Runs all checks, one after another. */
export async function runChecks(setting: Setting): Promise<Results> {
  const results: Partial<Record<Check, string>> = {};
  for (const [name, check] of Object.entries(checks) as [Check, (it: Setting) => Promise<void>][]) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it hangs')), TIMEOUT_MILLIS);
    });
    try {
      await Promise.race([check(setting), timeout]);
      results[name] = 'ok';
    } catch (error) {
      results[name] = describe(error);
    } finally {
      clearTimeout(timer);
    }
  }
  return results as Results;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: string };
  if (code !== undefined) return `${code}: ${error.message}`;
  const frames = error.stack?.split('\n').filter((it) => /^\s+at /.test(it)) ?? [];
  return [error.message, ...frames].join('\n');
}
