import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
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
      { name: `${name}, 64 callers`, operations: 3_200, run: () => callers(64, 50, call) },
      { name: `${name}, one caller`, operations: 300, run: () => callers(1, 300, call) },
    ]),
  );
  print(results, [
    { of: 'ours, 64 callers', to: 'Piscina, 64 callers', atMost: 0.25 },
    { of: 'ours, 64 callers', to: 'tinypool, 64 callers' },
    { of: 'ours, 64 callers', to: 'workerpool, 64 callers' },
    { of: 'ours, one caller', to: 'Piscina, one caller', atMost: 1 },
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
    { of: '1 MiB there and back, moved', to: '1 MiB there and back, moved, Piscina', atMost: 1 },
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
