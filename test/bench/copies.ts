// Copies of one prepared instance: what each costs beside preparing anew, and beside the floor, which
// is writing as many bytes into new memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import quickjsVariant from '@jitl/quickjs-wasmfile-release-sync';
import {
  createWasmPool,
  createWasmSnapshot,
  type WasmInstance,
  type WasmPool,
} from '@wasm-pool/wasm-adapter';
import autocannon from 'autocannon';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import wabt from 'wabt';
import { bundleLibrary } from '../sandbox-server/markdown.ts';
import { heading, record } from './report.ts';
import { spread } from './rounds.ts';

const ROUNDS = 7;
const MIB = 2 ** 20;

const variant = quickjsVariant as unknown as QuickJSSyncVariant;
const { resolve } = createRequire(import.meta.url);
const quickjs = new Uint8Array(readFileSync(resolve('@jitl/quickjs-wasmfile-release-sync/wasm')));
const library = await bundleLibrary();

/** QuickJS as its loader, emscripten's, makes it: nothing has run in it. */
async function engineOf(instance: WasmInstance<QuickJSWASMModule>): Promise<QuickJSWASMModule> {
  const instantiateWasm = (
    imports: Record<string, Record<string, unknown>>,
    done: (made: WebAssembly.Instance) => void,
  ) => {
    const made = instance.link(imports);
    done(made);
    return made.exports;
  };
  const engine = newVariant(variant, { emscriptenModule: { instantiateWasm } });
  return newQuickJSWASMModuleFromVariant(engine);
}

/** A context in which a library of 220 KB has run. */
function loadLibrary(engine: QuickJSWASMModule): void {
  const context = engine.newContext();
  context.unwrapResult(context.evalCode(library)).dispose();
}

const loading = {
  instantiate: (_: WebAssembly.Module, instance: WasmInstance<QuickJSWASMModule>) =>
    engineOf(instance),
};
const preparing = {
  preinitialize: ({ exports }: WasmInstance<QuickJSWASMModule>) => loadLibrary(exports),
};

type Work = () => Promise<void> | void;

/** Milliseconds of each subject, round by round: all subjects in turn, so that noise hits all alike. */
async function inTurn(
  subjects: Record<string, Work>,
  rounds = ROUNDS,
): Promise<Map<string, number[]>> {
  const taken = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of Object.entries(subjects)) {
      const begun = performance.now();
      await work();
      if (round > 0) taken.get(name)?.push(performance.now() - begun);
    }
  }
  return taken;
}

function recordAll(taken: Map<string, number[]>, unit = 'ms'): void {
  for (const [name, millis] of taken) record({ name, unit, ...spread(millis) });
}

/** A ratio, taken round by round. */
function recordRatio(
  name: string,
  of: readonly number[],
  to: readonly number[],
  aim: { atMost?: number; atLeast?: number; moreIsBetter?: true } = {},
): void {
  record({ name, unit: '', ...spread(of.map((it, round) => it / (to[round] as number))), ...aim });
}

const millisOf = (taken: Map<string, number[]>, name: string) => taken.get(name) ?? [];

/** So many instances are made in a row: V8 collects the garbage of several at once. */
const IN_A_ROW = 8;

/** Has a pool make a further instance, and destroy it. */
const oneMore =
  <Exports>(pool: WasmPool<Exports>): Work =>
  async () =>
    pool.destroy(await pool.acquire());

const times =
  (count: number, work: Work): Work =>
  async () => {
    for (let left = count; left > 0; left--) await work();
  };

async function quickjsWithLibrary(): Promise<void> {
  heading('QuickJS with a library: a further instance');
  await using anew = await createWasmPool<QuickJSWASMModule>(quickjs, {
    ...loading,
    onCreate: ({ exports }) => loadLibrary(exports),
  });
  await using copies = await createWasmPool<QuickJSWASMModule>(quickjs, {
    ...loading,
    ...preparing,
  });
  await using loaders = await createWasmPool<QuickJSWASMModule>(quickjs, loading);
  const inARow = await inTurn({
    'prepared anew': times(IN_A_ROW, oneMore(anew)),
    'a copy': times(IN_A_ROW, oneMore(copies)),
    'its loader alone': times(IN_A_ROW, oneMore(loaders)),
  });
  const taken = new Map(
    Array.from(inARow, ([name, millis]) => [name, millis.map((it) => it / IN_A_ROW)]),
  );
  recordAll(taken);
  const [all, copy, loader] = ['prepared anew', 'a copy', 'its loader alone'].map((name) =>
    millisOf(taken, name),
  );
  if (!all || !copy || !loader) return;
  recordRatio('a copy ÷ prepared anew', copy, all, { atMost: 0.1 });
  const without = (millis: readonly number[]) =>
    millis.map((it, round) => Math.max(it - (loader[round] as number), 0));
  recordRatio('the same without the loader', without(copy), without(all), { atMost: 0.05 });
}

async function oneMebibyte(): Promise<void> {
  heading('A copy of 1 MiB in use');
  const { parseWat } = await wabt();
  const bytes = new Uint8Array(
    parseWat('m.wat', '(module (memory (export "m") 16))', {}).toBinary({}).buffer,
  );
  const content = new Uint8Array(MIB).fill(1);
  await using pool = await createWasmPool<{ m: WebAssembly.Memory }>(bytes, {
    preinitialize: ({ exports }) => new Uint8Array(exports.m.buffer).set(content),
  });
  const names = [
    'copies of an instance',
    'as many bytes into new memory',
    'new memory touched only',
  ];
  const TIMES = 20;
  const newMemory = () => new Uint8Array(new WebAssembly.Memory({ initial: 16 }).buffer);
  const taken = await inTurn({
    [`${names[0]}`]: times(TIMES, oneMore(pool)),
    [`${names[1]}`]: times(TIMES, () => newMemory().set(content)),
    [`${names[2]}`]: times(TIMES, () => {
      const memory = newMemory();
      for (let at = 0; at < MIB; at += 4096) memory[at] = 1;
    }),
  });
  for (const [name, millis] of taken) {
    record({ name, unit: 'µs', ...spread(millis.map((it) => (it / TIMES) * 1000)) });
  }
  const [copy, plain] = [millisOf(taken, `${names[0]}`), millisOf(taken, `${names[1]}`)];
  recordRatio('a copy ÷ as many bytes into new memory', copy, plain, { atMost: 2 });
}

async function poolOf64(): Promise<void> {
  heading('A pool of 64 engines with a library, ready');
  const snapshot = await createWasmSnapshot<QuickJSWASMModule>(quickjs, {
    ...loading,
    ...preparing,
  });
  record({ name: 'the snapshot', unit: 'KiB', median: snapshot.length / 1024, from: 0, to: 0 });
  const ready = async (pool: Promise<WasmPool<QuickJSWASMModule>>) => (await pool).close();
  const taken = await inTurn(
    {
      'from scratch': () =>
        ready(
          createWasmPool<QuickJSWASMModule>(quickjs, {
            ...loading,
            min: 64,
            onCreate: ({ exports }) => loadLibrary(exports),
          }),
        ),
      'from a snapshot': () =>
        ready(createWasmPool<QuickJSWASMModule>(quickjs, { ...loading, min: 64, snapshot })),
      'the loader alone': () =>
        ready(createWasmPool<QuickJSWASMModule>(quickjs, { ...loading, min: 64 })),
    },
    3,
  );
  recordAll(taken);
  recordRatio(
    'from a snapshot ÷ from scratch',
    millisOf(taken, 'from a snapshot'),
    millisOf(taken, 'from scratch'),
    { atMost: 0.1 },
  );
  recordRatio(
    'the loader alone ÷ from scratch',
    millisOf(taken, 'the loader alone'),
    millisOf(taken, 'from scratch'),
  );
}

const server = fileURLToPath(
  new URL('../../examples/sandbox-server/dist/main.js', import.meta.url),
);

async function startServer(env: Record<string, string>) {
  const child = spawn(process.execPath, [server], {
    env: {
      ...process.env,
      ...{ PORT: '0', MAX_WAITING: '1024', WAIT_MILLIS: '600000', DEADLINE_MILLIS: '600000' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const address = /http:\S+/.exec(line)?.[0] ?? '';
  return {
    /** So many requests, however long they take: a slow machine has as many to take the p99 of. */
    async load(connections: number, amount: number) {
      const begun = performance.now();
      let last = begun; // autocannon itself looks at the clock once a second
      const options = {
        url: `${address}/run`,
        method: 'POST' as const,
        headers: { 'content-type': 'text/plain' },
        body: '[1, 2, 3].map((n) => n * n)',
        connections,
        amount,
        timeout: 600,
      };
      const { latency, errors, timeouts, non2xx } = await new Promise<autocannon.Result>(
        (done, fail) => {
          const load = autocannon(options, (error, result) => (error ? fail(error) : done(result)));
          load.on('response', () => {
            last = performance.now();
          });
        },
      );
      if (errors + timeouts + non2xx > 0) throw new Error('some requests failed');
      return { requests: amount / ((last - begun) / 1e3), p99: latency.p99 };
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function sandboxServer(): Promise<void> {
  heading('The sandbox server');
  const [fresh, reuse] = [
    await startServer({ ENGINES: 'fresh' }),
    await startServer({ ENGINES: 'reuse' }),
  ];
  const requests = { fresh: [] as number[], reuse: [] as number[] };
  for (let round = 0; round <= 3; round++) {
    const [ofFresh, ofReuse] = [await fresh.load(16, 320), await reuse.load(16, 320)];
    if (round === 0) continue;
    requests.fresh.push(ofFresh.requests);
    requests.reuse.push(ofReuse.requests);
  }
  await fresh.stop();
  await reuse.stop();
  record({ name: 'an engine for each script', unit: '/s', ...spread(requests.fresh) });
  record({ name: 'engines that serve many', unit: '/s', ...spread(requests.reuse) });
  recordRatio('an engine for each ÷ engines that serve many', requests.fresh, requests.reuse, {
    atLeast: 0.5,
    moreIsBetter: true,
  });
  const p99 = { growing: [] as number[], atRest: [] as number[] };
  for (let round = 0; round < 3; round++) {
    const server64 = await startServer({ ENGINES: 'fresh', MAX: '64' });
    await server64.load(1, 20); // what V8 has to compile first is no matter of growing
    p99.growing.push((await server64.load(64, 640)).p99);
    p99.atRest.push((await server64.load(64, 640)).p99);
    await server64.stop();
  }
  record({ name: 'p99 while the pool grows from 1 to 64', unit: 'ms', ...spread(p99.growing) });
  record({ name: 'p99 with 64 connections at rest', unit: 'ms', ...spread(p99.atRest) });
  recordRatio('p99 while growing ÷ at rest', p99.growing, p99.atRest, { atMost: 2 });
}

await quickjsWithLibrary();
await oneMebibyte();
await poolOf64();
await sandboxServer();
