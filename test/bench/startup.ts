// How long it takes until a pool is ready.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { heading, record } from './report.ts';
import { spread } from './rounds.ts';
import { guests } from './strategies/guests.ts';

const ROUNDS = 9;

async function readyMillis(
  src: Uint8Array<ArrayBuffer>,
  options: WasmPoolOptions,
): Promise<number> {
  const begun = performance.now();
  const pool = await createWasmPool(src, options);
  const took = performance.now() - begun;
  await pool.close();
  return took;
}

const small = (await guests.small?.())?.bytes as Uint8Array<ArrayBuffer>;
const large = (await guests['1 MiB']?.())?.bytes as Uint8Array<ArrayBuffer>;
const require = createRequire(import.meta.url);
const gofmt = new Uint8Array(
  await readFile(join(dirname(require.resolve('@wasm-fmt/gofmt')), 'gofmt.wasm')),
);
const quickjs = new Uint8Array(
  await readFile(require.resolve('@jitl/quickjs-wasmfile-release-sync/wasm')),
);
/** For loaders that are not of concern here: they are compiled, and linked to nothing. */
const compiledOnly: WasmPoolOptions = { instantiate: () => ({}) };
const kib = (bytes: Uint8Array) => `${Math.round(bytes.length / 1024)} KiB`;

const subjects: [string, Uint8Array<ArrayBuffer>, WasmPoolOptions][] = [
  ...[1, 4, 16, 64].map((min): [string, Uint8Array<ArrayBuffer>, WasmPoolOptions] => [
    `a small module, min: ${min}`,
    small,
    { min },
  ]),
  [`a module of ${kib(large)}, most of it data`, large, {}],
  [`QuickJS, ${kib(quickjs)}, compiled`, quickjs, compiledOnly],
  [`gofmt, ${kib(gofmt)}, compiled`, gofmt, compiledOnly],
];
const measured = new Map<string, number[]>(subjects.map(([name]) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, src, options] of subjects) {
    const millis = await readyMillis(src, options);
    if (round > 0) measured.get(name)?.push(millis);
  }
}
heading('Time to a ready pool');
for (const [name, values] of measured) record({ name, unit: 'ms', ...spread(values) });

/** What an import takes of the CPU in a process of its own, beyond what an empty process takes. */
function importMillis(specifier: string | undefined): number {
  const load = specifier === undefined ? '' : `await import(${JSON.stringify(specifier)});`;
  const script = `${load} const { user, system } = process.cpuUsage(); console.log(user + system);`;
  const args = ['--input-type=module', '--eval', script];
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
  return Number(execFileSync(process.execPath, args, options)) / 1000;
}

heading('Import');
const imports: Record<'ours' | 'piscina' | 'ratio', number[]> = {
  ...{ ours: [], piscina: [], ratio: [] },
};
for (let round = 0; round < 2 * ROUNDS; round++) {
  const none = importMillis(undefined);
  const ours = importMillis('@wasm-pool/wasm-adapter') - none;
  const piscina = importMillis('piscina') - none;
  imports.ours.push(ours);
  imports.piscina.push(piscina);
  imports.ratio.push(ours / piscina);
}
record({ name: '@wasm-pool/wasm-adapter, of the CPU', unit: 'ms', ...spread(imports.ours) });
record({ name: 'piscina, of the CPU', unit: 'ms', ...spread(imports.piscina) });
record({
  ...{ name: '@wasm-pool/wasm-adapter ÷ piscina', unit: '', atMost: 1 },
  ...spread(imports.ratio),
});
