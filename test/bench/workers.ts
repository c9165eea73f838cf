import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createWasmWorkerPool, move } from '@wasm-pool/wasm-adapter';
import { Piscina } from 'piscina';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import { heading, record } from './report.ts';
import { inRounds, print } from './rounds.ts';
import { guest } from './workers/guest.ts';

const THREADS = 2;
const MIB = 2 ** 20;

const module = new URL('./workers/tasks.ts', import.meta.url);
type Tasks = typeof import('./workers/tasks.ts');
const path = (name: string) => fileURLToPath(new URL(`./workers/${name}.ts`, import.meta.url));

const threads = { minThreads: THREADS, maxThreads: THREADS };
const pool = await createWasmWorkerPool<Tasks>(guest, { module, min: THREADS, max: THREADS });
const single = await createWasmWorkerPool<Tasks>(guest, { module, min: 1, max: 1 });
const filename = path('peer-tasks');
const workerData = { guest };
const piscina = new Piscina({ filename, workerData, ...threads });
const tinypool = new Tinypool({ filename, workerData, ...threads });
const workers = workerpool.pool(path('workerpool-tasks'), {
  workerType: 'thread',
  minWorkers: THREADS,
  maxWorkers: THREADS,
  workerThreadOpts: { workerData },
});

type Call = (a: number, b: number) => PromiseLike<unknown>;
const adds: Record<string, Call> = {
  ours: (a, b) => pool.run.add(a, b),
  Piscina: (a, b) => piscina.run(['add', a, b]),
  tinypool: (a, b) => tinypool.run(['add', a, b]),
  workerpool: (a, b) => workers.exec('add', [a, b]) as unknown as Promise<unknown>,
};

/** So many callers at once, each with so many calls one after another. */
async function callers(count: number, each: number, call: Call): Promise<void> {
  const calling = async () => {
    for (let index = 0; index < each; index++) {
      if ((await call(index, 1)) !== index + 1) throw new Error('a wrong answer');
    }
  };
  await Promise.all(Array.from({ length: count }, calling));
}

async function tiny(): Promise<void> {
  const results = await inRounds(
    Object.entries(adds).flatMap(([name, call]) => [
      { name: `${name}, one caller`, operations: 300, run: () => callers(1, 300, call) },
      { name: `${name}, 4 callers`, operations: 800, run: () => callers(4, 200, call) },
      { name: `${name}, 64 callers`, operations: 3_200, run: () => callers(64, 50, call) },
      { name: `${name}, 1,024 callers`, operations: 8_192, run: () => callers(1_024, 8, call) },
    ]),
  );
  print(results, [
    { of: 'ours, one caller', to: 'Piscina, one caller', atMost: 0.9 },
    { of: 'ours, 4 callers', to: 'Piscina, 4 callers', atMost: 0.4 },
    { of: 'ours, 64 callers', to: 'Piscina, 64 callers', atMost: 0.08 },
    { of: 'ours, 64 callers', to: 'tinypool, 64 callers' },
    { of: 'ours, 64 callers', to: 'workerpool, 64 callers' },
    { of: 'ours, 1,024 callers', to: 'Piscina, 1,024 callers', atMost: 0.05 },
  ]);
}

/** What the main thread allocates for a call of numbers, and for a promise that is awaited, the floor. */
async function allocating(): Promise<void> {
  const calls = 4_000;
  let settle: (value: number) => void = () => {};
  const take = (resolve: (value: number) => void) => {
    settle = resolve;
  };
  const bare = (a: number, b: number): Promise<number> => {
    const promise = new Promise(take);
    settle(a + b);
    return promise;
  };
  for (const [name, call, atMost] of [
    ['an awaited promise alone (the floor)', bare, 0],
    ['a call of numbers', (a: number, b: number) => single.run.add(a, b), 200],
  ] as const) {
    await callers(64, 200, call);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await callers(8, calls / 8, call);
    const median = (process.memoryUsage().heapUsed - before) / calls;
    record({ name, unit: 'B', median, from: median, to: median, ...(atMost > 0 && { atMost }) });
  }
}

/** How long a thread takes to start, with an instance on it, beside one that does nothing. */
async function starting(): Promise<void> {
  const compiled = new WebAssembly.Module(guest);
  const results = await inRounds(
    [
      {
        name: 'a bare worker',
        operations: 1,
        async run() {
          const text = 'require("node:worker_threads").parentPort.postMessage(1)';
          const worker = new Worker(text, { eval: true });
          await once(worker, 'message');
          await worker.terminate();
        },
      },
      {
        name: 'a pool of one thread',
        operations: 1,
        async run() {
          const one = await createWasmWorkerPool(compiled, { max: 1 });
          await one.close();
        },
      },
      {
        name: 'Piscina, one thread',
        operations: 1,
        async run() {
          const one = new Piscina({ filename, workerData, minThreads: 1, maxThreads: 1 });
          await one.run(['add', 1, 1]);
          await one.destroy();
        },
      },
    ],
    5,
  );
  print(results, [
    { of: 'a pool of one thread', to: 'a bare worker', atMost: 1.8 },
    { of: 'Piscina, one thread', to: 'a bare worker' },
  ]);
}

/** How many turns of `compute` take 5 ms here. */
async function turnsOf5Millis(): Promise<number> {
  const turns = 1_000_000;
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 20; tries++) {
    const start = performance.now();
    await single.run.compute(turns);
    best = Math.min(best, performance.now() - start);
  }
  return Math.round((5 / best) * turns);
}

async function computing(): Promise<void> {
  const turns = await turnsOf5Millis();
  const calls = 16;
  const all = (run: () => PromiseLike<unknown>) => () =>
    Promise.all(Array.from({ length: calls }, run));
  const results = await inRounds([
    { name: '5 ms each, 1 worker', operations: calls, run: all(() => single.run.compute(turns)) },
    { name: '5 ms each, 2 workers', operations: calls, run: all(() => pool.run.compute(turns)) },
    {
      name: '5 ms each, Piscina, 2 workers',
      operations: calls,
      run: all(() => piscina.run(['compute', turns])),
    },
  ]);
  print(results, [
    { of: '5 ms each, 2 workers', to: '5 ms each, 1 worker', atMost: 1 / 1.9 },
    { of: '5 ms each, 2 workers', to: '5 ms each, Piscina, 2 workers' },
  ]);
}

async function moving(): Promise<void> {
  let ours = new Uint8Array(MIB);
  let theirs = new Uint8Array(MIB);
  const calls = 100;
  const results = await inRounds([
    {
      name: '1 MiB there and back, moved',
      operations: calls,
      async run() {
        for (let index = 0; index < calls; index++) ours = await pool.run.echo(move(ours));
      },
    },
    {
      name: '1 MiB there and back, moved, Piscina',
      operations: calls,
      async run() {
        for (let index = 0; index < calls; index++) {
          theirs = await piscina.run(['echo', theirs], { transferList: [theirs.buffer] as never });
        }
      },
    },
  ]);
  print(results, [
    { of: '1 MiB there and back, moved', to: '1 MiB there and back, moved, Piscina', atMost: 0.6 },
  ]);
}

/** What the main thread's own work would wait for, while the threads have all that they can do. */
async function delay(): Promise<void> {
  const turns = await turnsOf5Millis();
  for (const [name, load] of [
    ['tiny calls, 64 callers', (until: number) => until && adds.ours?.(1, 1)],
    ['5 ms calls, 64 callers', () => pool.run.compute(turns)],
  ] as const) {
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    const until = performance.now() + 2_000;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (performance.now() < until) await load(until);
      }),
    );
    histogram.disable();
    const p99 = histogram.percentile(99) / 1e6;
    record({
      name: `event loop delay p99, ${name}`,
      unit: 'ms',
      median: p99,
      from: p99,
      to: p99,
      atMost: 5,
    });
  }
}

heading('Tiny calls');
await tiny();
heading('Allocated on the main thread');
await allocating();
heading('Starting a thread');
await starting();
heading('5 ms of computing');
await computing();
heading('1 MiB, moved');
await moving();
heading('The main thread, under full load');
await delay();
await Promise.all([
  pool.close(),
  single.close(),
  piscina.destroy(),
  tinypool.destroy(),
  workers.terminate(),
]);
