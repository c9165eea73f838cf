// npm run soak:workers            ten thousand workers replaced, one fault after another
// npm run soak:workers -- 1000    as many as it says
import type { Worker as Thread } from 'node:worker_threads';
import { createWasmWorkerPool, type ExportCalls } from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';

const [replaced = '10000'] = process.argv.slice(2);
const MIB = 2 ** 20;
const ROUNDS = 10;

const { parseWat } = await wabt();
const text = `(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "trap") (unreachable)))`;
const guest = new Uint8Array(parseWat('guest.wat', text, {}).toBinary({}).buffer);
interface Guest {
  add(a: number, b: number): number;
  trap(): void;
}
const tasks = `
export const loop = (_, words) => {
  if (words !== undefined) Atomics.notify(words, Atomics.store(words, 0, 1) - 1);
  for (;;);
};
export const never = () => new Promise(() => {});
export const exit = () => process.exit(1);
export const crash = () => { setImmediate(() => { throw new Error('crashed'); }); return never(); };
`;
interface Tasks extends ExportCalls<Guest> {
  loop(): Promise<never>;
  never(): Promise<never>;
  exit(): Promise<never>;
  crash(): Promise<never>;
}

const pool = await createWasmWorkerPool<object, Guest>(guest, {
  module: `data:text/javascript,${encodeURIComponent(tasks)}`,
  max: 4,
});
const run = pool.run as unknown as Tasks;
const call = pool.call.bind(pool) as unknown as (
  name: keyof Tasks,
  args: readonly unknown[],
  options: object,
) => Promise<unknown>;

const faults: (() => Promise<unknown>)[] = [
  () => call('loop', [], { callTimeoutMillis: 2 }),
  () => call('never', [], { callTimeoutMillis: 2 }),
  abortWhileItRuns,
  () => run.exit(),
  () => run.crash(),
  () => run.trap(),
  () => pool.use((worker) => pool.destroy(worker)),
];

async function abortWhileItRuns(): Promise<void> {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const controller = new AbortController();
  const loop = call('loop', [words], { signal: controller.signal });
  await Atomics.waitAsync(words, 0, 0).value;
  controller.abort();
  await loop;
}

let faulty = 0;
async function borrower(until: number): Promise<void> {
  while (pool.stats().destroyed < until) {
    const fault = faults[faulty++ % faults.length] as () => Promise<unknown>;
    await Promise.all([
      fault().catch(() => {}),
      run.add(faulty, 1),
      pool.use((worker) => worker.run.add(1, 2)),
    ]);
  }
}

/** How much of everything there is, all garbage collected. */
async function measured() {
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let time = 0; time < 5; time++) await globalThis.gc?.({ type: 'major', execution: 'async' });
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed / MIB, external: external / MIB, rss: rss / MIB };
}

console.log(`Node.js ${process.versions.node}, ${Number(replaced).toLocaleString('en')} workers`);
const started = performance.now();
const threads = new Set<Thread>();
process.on('worker', (worker: Thread) => {
  threads.add(worker);
  worker.on('exit', () => threads.delete(worker));
});
const heaps: number[] = [];
for (let round = 1; round <= ROUNDS; round++) {
  const until = (Number(replaced) / ROUNDS) * round;
  await Promise.all(Array.from({ length: 8 }, () => borrower(until)));
  const { heap, external, rss } = await measured();
  heaps.push(heap);
  const sizes = `heap ${heap.toFixed(2)} MiB, external ${external.toFixed(2)} MiB, rss ${rss.toFixed(0)} MiB`;
  console.log(`${pool.stats().destroyed} replaced: ${sizes}, ${threads.size} threads`);
}
const { size, borrowed, pending, createErrors, destroyedBy } = pool.stats();
console.log(destroyedBy);
await pool.close();
await new Promise((resolve) => setTimeout(resolve, 200));
const grown = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0);
console.log(
  `the heap grew by ${grown.toFixed(2)} MiB after the first round; threads left: ${threads.size}`,
);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
if (grown > 1 || threads.size + borrowed + pending + createErrors > 0 || size > 4) {
  process.exitCode = 1;
}
