// Our WASI beside node:wasi, and commands from a pool beside an instance for each run.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import {
  createWasmCommandPool,
  createWasmPool,
  type WasiOptions,
  type WasmPool,
} from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';
import { importSource } from '../helpers/import-source.ts';
import { heading } from './report.ts';
import { inRounds, print } from './rounds.ts';

process.removeAllListeners('warning'); // node:wasi's
const { parseWat } = await wabt();
const compile = (wat: string) => new Uint8Array(parseWat('bench.wat', wat, {}).toBinary({}).buffer);

type Wasi = typeof import('../../packages/wasm-adapter/src/instance/wasi/wasi.js');

const MIB = 2 ** 20;
const CALLS = 500;

/** Each function calls one of WASI so many times; `readFile` opens, reads and closes `file`. */
const guest = compile(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 0) "\\40\\00\\00\\00\\10\\00\\00\\00")
  (data (i32.const 16) "\\00\\00\\01\\00\\00\\00\\10\\00")
  (data (i32.const 64) "a line of text.\\n") (data (i32.const 96) "file")
  (func (export "write") (param $n i32) (loop $next
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "time") (param $n i32) (loop $next
    (if (call $time (i32.const 1) (i64.const 0) (i32.const 128)) (then unreachable))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "random") (param $n i32) (loop $next
    (if (call $random (i32.const 128) (i32.const 16)) (then unreachable))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "readFile")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 96) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 132)) (then unreachable))
    (if (call $read (i32.load (i32.const 132)) (i32.const 16) (i32.const 1) (i32.const 136)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 136)) (i32.const 1048576)) (then unreachable))
    (if (call $close (i32.load (i32.const 132))) (then unreachable))))`);

interface Guest {
  write(count: number): void;
  time(count: number): void;
  random(count: number): void;
  readFile(): void;
}

const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-bench-'));
writeFileSync(join(folder, 'file'), Buffer.alloc(MIB, 'x'));
const sink = openSync(devNull, 'w');

function nodeWasi(): { exports: Guest } {
  const wasi = new WASI({ version: 'preview1', stdout: sink, preopens: { '/': folder } });
  const module = new WebAssembly.Module(guest);
  const instance = new WebAssembly.Instance(module, { ...wasi.getImportObject() } as never);
  const { memory } = instance.exports;
  wasi.initialize({ exports: { memory } });
  return { exports: instance.exports as unknown as Guest };
}

heading('WASI beside node:wasi');
const options: Record<string, WasiOptions> = {
  'a folder': { stdout: sink, preopens: { '/': folder } },
  memory: { stdout: () => {}, files: { '/file': Buffer.alloc(MIB, 'x') } },
};
const pools: WasmPool<Guest>[] = [];
const subjects: [string, Guest][] = [['node:wasi', nodeWasi().exports]];
for (const [name, wasi] of Object.entries(options)) {
  const pool = await createWasmPool<Guest>(guest, { wasi, max: 2 });
  pools.push(pool);
  const [first, second] = [await pool.acquire(), await pool.acquire()];
  await pool.release(first); // whose functions were checked for their types: once a module
  subjects.push([`ours, ${name}`, second.exports]);
}
/** What any WASI in JavaScript does at least: one call of node:fs for each of the guest's. */
const line = new Uint8Array(16);
const room = new Uint8Array(MIB);
const floors: Record<string, { readonly operations: number; readonly run: () => void }> = {
  'write: node:fs alone': {
    operations: CALLS,
    run() {
      for (let left = CALLS; left > 0; left--) writeSync(sink, line);
    },
  },
  'read 1 MiB: node:fs alone': {
    operations: 1,
    run() {
      const fd = openSync(join(folder, 'file'), 'r');
      readSync(fd, room, 0, MIB, 0);
      closeSync(fd);
    },
  },
};
const loops = ['write', 'time', 'random'] as const;
const results = await inRounds([
  ...loops.flatMap((loop) =>
    subjects.map(([name, exports]) => ({
      ...{ name: `${loop}: ${name}`, operations: CALLS },
      run: () => exports[loop](CALLS),
    })),
  ),
  ...subjects.map(([name, exports]) => ({
    ...{ name: `read 1 MiB: ${name}`, operations: 1, run: () => exports.readFile() },
  })),
  ...Object.entries(floors).map(([name, floor]) => ({ name, ...floor })),
]);
print(results, [
  ...[...loops, 'read 1 MiB'].flatMap((what) =>
    subjects.slice(1).map(([name]) => ({
      ...{ of: `${what}: ${name}`, to: `${what}: node:wasi`, atMost: 1.2 },
    })),
  ),
  ...Object.keys(floors).map((of) => ({ of, to: of.replace('node:fs alone', 'node:wasi') })),
]);

heading('A context for each instance');
const module = new WebAssembly.Module(guest);
const { wasiContext } = await importSource<Wasi>('wasm-adapter/src/instance/wasi/wasi.ts');
const owner = () => ({
  ...{ name: 'bench', memory: undefined },
  // Made when something waits, as an instance does it.
  get dropped(): AbortSignal {
    return new AbortController().signal;
  },
  calls: { callable: true, notCallable: () => new Error('not lent') },
});
(await wasiContext(module, {}, owner(), false, {})).bind(undefined);
const contexts = await inRounds([
  {
    ...{ name: 'a context of node:wasi', operations: 1 },
    run: () => new WASI({ version: 'preview1', args: ['wasm'], env: {} }).wasiImport,
  },
  {
    ...{ name: 'a context of ours', operations: 1 },
    run: () => wasiContext(module, {}, owner(), false, {}),
  },
]);
print(contexts, [{ of: 'a context of ours', to: 'a context of node:wasi', atMost: 0.2 }]);
for (const pool of pools) await pool.close({ timeoutMillis: 10 });

heading('Runs of a command');
const tool = readFileSync(join(import.meta.dirname, '../fixtures/tool.wasm'));
const program = new WebAssembly.Module(tool);

/** What a host does without a pool: an instance with a WASI for each run. */
function alone(args: readonly string[]): number {
  const wasi = new WASI({
    ...{ version: 'preview1', returnOnExit: true, stdout: sink, stderr: sink },
    args: ['tool', ...args],
  } as const);
  const imports = wasi.getImportObject();
  return wasi.start(new WebAssembly.Instance(program, { ...imports } as never));
}

const path = join(import.meta.dirname, '../fixtures/tool.wasm');
const processOf = (runtime: string, args: readonly string[]) => () => {
  const before = runtime === 'wasmedge' ? [] : ['run']; // its own word for the same
  return spawnSync(runtime, [...before, path, ...args], { stdio: 'ignore' }).status;
};
/** Runtimes that run a command in a process each, as far as they are installed, and work. */
const runtimes = ['wasmtime', 'wazero', 'wasmedge'].filter(
  (it) => processOf(it, ['count'])() === 0,
);

await using direct = await createWasmCommandPool(tool, { max: 1, suspends: false });
await using suspended = await createWasmCommandPool(tool, { max: 1, suspends: true });
const cases: [string, string[]][] = [
  ['exit code 0', ['count']],
  ['exit code 3', ['exit', '3']],
];
for (const [name, args] of cases) {
  const runs = await inRounds([
    { name: `${name}: an instance each`, operations: 1, run: () => alone(args) },
    { name: `${name}: a pool`, operations: 1, run: () => direct.run({ args }) },
    { name: `${name}: a pool that suspends`, operations: 1, run: () => suspended.run({ args }) },
    ...runtimes.map((runtime) => ({
      ...{ name: `${name}: a process of ${runtime}`, operations: 1 },
      run: processOf(runtime, args),
    })),
  ]);
  print(runs, [
    { of: `${name}: a pool`, to: `${name}: an instance each`, atMost: 0.2 },
    { of: `${name}: a pool that suspends`, to: `${name}: an instance each`, atMost: 0.2 },
    ...runtimes.map((runtime) => ({
      ...{ of: `${name}: a pool`, to: `${name}: a process of ${runtime}` },
    })),
  ]);
}
if (runtimes.length === 0)
  console.log('no wasmtime, wazero or wasmedge is installed to compare with');
closeSync(sink);
rmSync(folder, { recursive: true });
