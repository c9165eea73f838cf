import { stat } from 'node:fs/promises';
import { createWasmPool, suspending } from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';
import { firstCall } from './interpreter.ts';
import { heading } from './report.ts';
import { inRounds, print } from './rounds.ts';

const { parseWat } = await wabt();
const compile = (wat: string) => new Uint8Array(parseWat('bench.wat', wat, {}).toBinary({}).buffer);

const CALLS = 1000;

/** `f0` to `f4`, each of that many parameters. */
type Sums = Record<string, (a?: number, b?: number, c?: number, d?: number) => number>;
const sums = compile(`(module
  (func (export "f0") (result i32) (i32.const 1))
  (func (export "f1") (param i32) (result i32) (local.get 0))
  (func (export "f2") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "f3") (param i32 i32 i32) (result i32) (i32.add (local.get 0) (local.get 2)))
  (func (export "f4") (param i32 i32 i32 i32) (result i32) (i32.add (local.get 0) (local.get 3))))`);

/** A loop of calls of an export, in a function of its own: V8 optimizes each by itself. */
function loop(exports: Sums, name: string): () => number {
  const args = ['sum', '1', '2', '3'].slice(0, Number(name[1]));
  const body = `let sum = 0;
    for (let index = 0; index < ${CALLS}; index++) sum += exports.${name}(${args});
    return sum;`;
  return new Function('exports', `return () => { ${body} }`)(exports);
}

async function guarded() {
  const raw = new WebAssembly.Instance(new WebAssembly.Module(sums)).exports as Sums;
  const pool = await createWasmPool<Sums>(sums, { min: 4, max: 4 });
  const lent = await pool.acquire();
  const names = Object.keys(raw);
  const calls = await inRounds(
    names.flatMap((name) => [
      { name: `bare ${name}`, operations: CALLS, run: loop(raw, name) },
      { name: `guarded ${name}`, operations: CALLS, run: loop(lent.exports, name) },
    ]),
  );
  const differences = names.map((name) => ({
    ...{ of: `guarded ${name}`, to: `bare ${name}` },
    atMost: 10,
  }));
  print(calls, [], differences);

  let sink = 0;
  const call = (instance: { exports: Sums }) => {
    sink += instance.exports.f2?.(sink, 1) ?? 0;
  };
  const results = await inRounds([
    {
      name: 'useSync and a guarded f2',
      operations: CALLS,
      run() {
        for (let index = 0; index < CALLS; index++) pool.useSync(call);
      },
    },
    {
      name: 'use and a guarded f2',
      operations: CALLS,
      async run() {
        for (let index = 0; index < CALLS; index++) await pool.use(call);
      },
    },
  ]);
  print(results, []);
  await pool.release(lent);
  await pool.close();
}

/** A module of so many pages, each of the first `used` of which holds something from the start. */
function pagesOf(pages: number, used: number): Uint8Array<ArrayBuffer> {
  const data = Array.from({ length: used }, (_, page) => `(data (i32.const ${page * 65_536}) "x")`);
  const wat = `(module (memory (export "memory") ${pages}) (global (mut i32) (i32.const 0))
    ${data.join('')})`;
  return compile(wat);
}

type Memory = { memory: WebAssembly.Memory };

async function reset(
  name: string,
  { pages, used, touchedBytes }: { pages: number; used: number; touchedBytes: number },
  atMost: { ofCopy: number; ofInstantiate?: number },
) {
  const bytes = pagesOf(pages, used);
  const size = pages * 65_536;
  const restoring = await createWasmPool<Memory>(bytes, { max: 1, reset: 'restore' });
  const module = new WebAssembly.Module(bytes);
  const target = new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer);
  const copy = new Uint8Array(size).fill(1);
  const touch = (instance: { exports: Memory }) => {
    new Uint8Array(instance.exports.memory.buffer).fill(7, 0, touchedBytes);
  };
  const results = await inRounds([
    { name: `${name}: plain copy of it all`, operations: 1, run: () => target.set(copy) },
    {
      name: `${name}: write ${touchedBytes / 1024} KiB, restore`,
      operations: 1,
      run: () => restoring.useSync(touch),
    },
    {
      name: `${name}: write ${touchedBytes / 1024} KiB`,
      operations: 1,
      run: () => target.fill(7, 0, touchedBytes),
    },
    {
      name: `${name}: instantiate, write ${touchedBytes / 1024} KiB`,
      operations: 1,
      run: () => touch(new WebAssembly.Instance(module) as unknown as { exports: Memory }),
    },
  ]);
  print(results, [
    {
      of: `${name}: write ${touchedBytes / 1024} KiB, restore`,
      to: `${name}: plain copy of it all`,
      atMost: atMost.ofCopy,
    },
    {
      of: `${name}: write ${touchedBytes / 1024} KiB, restore`,
      to: `${name}: instantiate, write ${touchedBytes / 1024} KiB`,
      ...(atMost.ofInstantiate === undefined ? {} : { atMost: atMost.ofInstantiate }),
    },
  ]);
  await restoring.close();
}

async function suspended(what: string, wait: () => Promise<unknown>) {
  const wat = `(module (import "host" "wait" (func $wait (result i32)))
    (func (export "go") (result i32) (call $wait)))`;
  const bytes = compile(wat);
  type Go = { go(): Promise<number> };
  const BORROWERS = 16;
  const pool = await createWasmPool<Go>(bytes, {
    max: BORROWERS,
    min: BORROWERS,
    promising: ['go'],
    imports: () => ({ host: { wait: suspending(wait) } }),
  });
  const { Suspending, promising } = WebAssembly as unknown as {
    Suspending: new (fn: () => unknown) => WebAssembly.ImportValue;
    promising: (fn: unknown) => () => Promise<number>;
  };
  const module = new WebAssembly.Module(bytes);
  const bare = Array.from({ length: BORROWERS }, () => {
    const instance = new WebAssembly.Instance(module, { host: { wait: new Suspending(wait) } });
    return promising(instance.exports.go);
  });
  const TURNS = 50;
  const results = await inRounds([
    {
      name: `${what}: 16 callers on 16 bare instances`,
      operations: TURNS * BORROWERS,
      async run() {
        const caller = async (go: () => Promise<number>) => {
          for (let turn = 0; turn < TURNS; turn++) await go();
        };
        await Promise.all(bare.map(caller));
      },
    },
    {
      name: `${what}: 16 borrowers on a pool of 16, acquire and release`,
      operations: TURNS * BORROWERS,
      async run() {
        const borrower = async () => {
          for (let turn = 0; turn < TURNS; turn++) {
            const instance = await pool.acquire();
            await instance.exports.go();
            void pool.release(instance);
          }
        };
        await Promise.all(Array.from({ length: BORROWERS }, borrower));
      },
    },
    {
      name: `${what}: 16 borrowers on a pool of 16`,
      operations: TURNS * BORROWERS,
      async run() {
        const borrower = async () => {
          for (let turn = 0; turn < TURNS; turn++) await pool.use(({ exports }) => exports.go());
        };
        await Promise.all(Array.from({ length: BORROWERS }, borrower));
      },
    },
  ]);
  print(results, [
    {
      of: `${what}: 16 borrowers on a pool of 16`,
      to: `${what}: 16 callers on 16 bare instances`,
      atMost: 1.15,
    },
    {
      of: `${what}: 16 borrowers on a pool of 16, acquire and release`,
      to: `${what}: 16 callers on 16 bare instances`,
    },
  ]);
  await pool.close();
}

heading('A call');
await guarded();
heading('Reset, 1 MiB, all of it written');
await reset(
  '1 MiB',
  { pages: 16, used: 16, touchedBytes: 1024 * 1024 },
  { ofCopy: 1.25, ofInstantiate: 1 / 3 },
);
heading('Reset, 16 MiB, of which 256 KiB are in use');
await reset('16 MiB', { pages: 256, used: 4, touchedBytes: 256 * 1024 }, { ofCopy: 0.5 });
heading('First call, of an interpreter with a library');
await firstCall();
heading('Suspended calls');
await suspended('a turn', () => new Promise((resolve) => setImmediate(resolve, 1)));
await suspended('a file', async () => (await stat('.')).size);
