// wazero-pool's own benchmark, row by row: https://github.com/pantopic/wazero-pool
import { createWasmPool, createWasmWorkerPool, suspending } from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';
import { heading, record } from './report.ts';
import { inRounds, print, type Subject } from './rounds.ts';
import { sleep } from './wazero/sleep.ts';
import type { Guest } from './wazero/tasks.ts';

/** Nanoseconds of wazero-pool's own run on a machine with two cores, as ours has; where known. */
const theirs: Readonly<Record<string, number>> = {
  'add raw': 68,
  'add wrapped': 87,
  'add pooled': 155,
  'add parallel-2': 340,
  'add parallel-4': 340,
  'add parallel-8': 340,
  'add parallel-16': 370,
  'add parallel-0': 87,
  'microsleep raw': 311_000,
  'microsleep pooled': 362_000,
  'microsleep parallel-2': 90_000,
  'microsleep parallel-4': 2_200,
  'microsleep parallel-8': 660,
  'microsleep parallel-16': 660,
  'microsleep parallel-0': 4_300,
};
const LIMITS = [2, 4, 8, 16, 0];
const CALLS = 2_000;

const { parseWat } = await wabt();
const guest = new Uint8Array(
  parseWat(
    'guest.wat',
    `(module
      (import "host" "sleep" (func $sleep))
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "microsleep") (param i32 i32) (result i32)
        (call $sleep)
        (i32.add (local.get 0) (local.get 1))))`,
    {},
  ).toBinary({}).buffer,
);

/** Two borrowers for each instance of the limit, as there are for each of two cores; 0: two in all. */
const borrowersOf = (limit: number) => Math.max(limit, 1) * 2;

/** So many at once, one call after another, until `CALLS` are done in all. */
function atOnce(count: number, call: () => unknown): () => Promise<unknown> {
  const each = Math.ceil(CALLS / count);
  const borrower = async () => {
    for (let done = 0; done < each; done++) check(await call());
  };
  return () => Promise.all(Array.from({ length: count }, borrower));
}

function check(sum: unknown): void {
  if (sum !== 2) throw new Error(`a wrong answer: ${sum}`);
}

const { Suspending, promising } = WebAssembly as unknown as {
  Suspending: new (fn: () => unknown) => WebAssembly.ImportValue;
  promising: (fn: unknown) => Guest['microsleep'];
};
const module = new WebAssembly.Module(guest);
const bare = () =>
  new WebAssembly.Instance(module, { host: { sleep: new Suspending(sleep) } }).exports;
const options = { promising: ['microsleep'], imports: { host: { sleep: suspending(sleep) } } };
const pools = await Promise.all(
  LIMITS.map((max) => createWasmPool<Guest>(guest, { max, min: max || 4, ...options })),
);
const pool = pools.at(-1) as (typeof pools)[number];
const lent = await pool.acquire();

function adds(): Subject[] {
  const raw = bare() as unknown as Guest;
  const inTurn = (call: () => number) => () => {
    for (let done = 0; done < CALLS; done++) check(call());
  };
  return [
    { name: 'add raw', operations: CALLS, run: inTurn(() => raw.add(1, 1)) },
    { name: 'add wrapped', operations: CALLS, run: inTurn(() => lent.exports.add(1, 1)) },
    {
      name: 'add pooled',
      operations: CALLS,
      run: inTurn(() => pool.useSync(({ exports }) => exports.add(1, 1))),
    },
    {
      name: 'add pooled, use',
      operations: CALLS,
      run: atOnce(1, () => pool.use(({ exports }) => exports.add(1, 1))),
    },
    ...pools.map(({ max, use }, index) => ({
      name: `add parallel-${max}`,
      operations: CALLS,
      run: atOnce(borrowersOf(max), () =>
        use.call(pools[index], ({ exports }) => exports.add(1, 1)),
      ),
    })),
  ];
}

/** The same number of suspended calls at once on as many bare instances as a pool of the limit has. */
function bareAtOnce(limit: number): () => Promise<unknown> {
  const count = limit || borrowersOf(limit);
  const all = Array.from({ length: count }, () => promising(bare().microsleep));
  const each = Math.ceil(CALLS / count);
  return () =>
    Promise.all(
      all.map(async (microsleep) => {
        for (let done = 0; done < each; done++) check(await microsleep(1, 1));
      }),
    );
}

function microsleeps(): Subject[] {
  const raw = promising(bare().microsleep);
  return [
    { name: 'microsleep raw', operations: CALLS, run: atOnce(1, () => raw(1, 1)) },
    {
      name: 'microsleep wrapped',
      operations: CALLS,
      run: atOnce(1, () => lent.exports.microsleep(1, 1)),
    },
    {
      name: 'microsleep pooled',
      operations: CALLS,
      run: atOnce(1, () => pool.use(({ exports }) => exports.microsleep(1, 1))),
    },
    ...pools.flatMap((one) => [
      {
        name: `microsleep parallel-${one.max}`,
        operations: CALLS,
        run: atOnce(borrowersOf(one.max), () => one.use(({ exports }) => exports.microsleep(1, 1))),
      },
      {
        name: `microsleep on bare instances, ${one.max || 2}`,
        operations: CALLS,
        run: bareAtOnce(one.max),
      },
    ]),
  ];
}

/** Prints what wazero-pool has in the same row, and by how much we are ahead. */
function beside(ours: Map<string, readonly number[]>): void {
  heading('wazero-pool’s own figures ÷ ours');
  for (const [name, rounds] of ours) {
    const their = theirs[name];
    if (their === undefined) continue;
    const ratios = rounds.map((nanos) => their / nanos).sort((a, b) => a - b);
    const median = ratios[ratios.length >> 1] as number;
    record({ name, unit: '×', median, from: median, to: median, atLeast: 1 });
  }
}

heading('add and microsleep, on one thread');
const results = await inRounds([...adds(), ...microsleeps()], 5);
print(results, [
  { of: 'microsleep pooled', to: 'microsleep raw', atMost: 1.15 },
  ...LIMITS.map((limit) => ({
    of: `microsleep parallel-${limit}`,
    to: `microsleep on bare instances, ${limit || 2}`,
    atMost: 1.15,
  })),
]);
const nanosOf = (name: string) => results.get(name)?.toSorted((a, b) => a - b)[2] as number;
const extra = nanosOf('add pooled') - nanosOf('add wrapped');
record({
  name: 'add pooled − add wrapped',
  unit: 'ns',
  median: extra,
  from: extra,
  to: extra,
  atMost: 25,
});
beside(results);

heading('add and microsleep, on worker threads');
const tasks = new URL('./wazero/tasks.ts', import.meta.url);
const subjects: Subject[] = [];
const workers: { close(): Promise<void> }[] = [];
for (const max of LIMITS) {
  const threads = await createWasmWorkerPool<typeof import('./wazero/tasks.ts'), Guest>(guest, {
    module: tasks,
    max,
    min: max || 2,
    promising: ['microsleep'],
  });
  workers.push(threads);
  for (const name of ['add', 'microsleep'] as const) {
    const call = () => threads.run[name](1, 1);
    if (max === LIMITS[0]) {
      subjects.push({ name: `${name} pooled`, operations: CALLS, run: atOnce(1, call) });
    }
    subjects.push({
      name: `${name} parallel-${max}`,
      operations: CALLS,
      run: atOnce(borrowersOf(max), call),
    });
  }
}
print(await inRounds(subjects, 5), []);
await pool.release(lent);
await Promise.all([...pools, ...workers].map((it) => it.close()));
