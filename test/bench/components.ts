// How long it takes until a pool of a component is ready, and what its calls take.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { heading, record } from './report.ts';
import { inRounds, print, spread } from './rounds.ts';

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/components', name);
const imports = { 'test:guest/host': { log() {}, lookUp: () => 0, measure: () => 0 } };
const cache = mkdtempSync(join(tmpdir(), 'wasm-pool-bench-'));
const ROUNDS = 7;

/** What a new process takes from having imported us to a pool that is ready, in milliseconds. */
function ready(path: string, folder: string): number {
  const script = `
    import { createWasmPool } from ${JSON.stringify(import.meta.resolve('@wasm-pool/wasm-adapter'))};
    const imports = { 'test:guest/host': { log() {}, lookUp() {}, measure() {} } };
    const options = { imports, component: { cache: ${JSON.stringify(folder)} } };
    const began = performance.now();
    const pool = await createWasmPool(${JSON.stringify(path)}, options);
    console.log(performance.now() - began);
    await pool.close();`;
  const args = ['--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function start(name: string): void {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const folder = join(cache, `${name.replaceAll('/', '-')}-${round}`);
    cold.push(ready(fixture(name), folder));
    warm.push(ready(fixture(name), folder));
  }
  const ratios = warm.map((millis, round) => millis / (cold[round] as number));
  record({ name, unit: 'ms', ...spread(cold) });
  record({ name: `${name}, from the cache`, unit: 'ms', ...spread(warm) });
  record({ name: `${name}, from the cache ÷ ${name}`, unit: '', ...spread(ratios), atMost: 0.2 });
}

type Guest = { faults: { bump(): number } };

async function calls(): Promise<void> {
  const CALLS = 100;
  const bytes = readFileSync(fixture('guest.wasm'));
  const pool = await createWasmPool<Guest>(bytes, { imports, min: 2, component: { cache } });
  const held = await pool.acquire();
  const results = await inRounds([
    {
      name: 'a call of a component, by jco',
      operations: CALLS,
      run() {
        for (let index = 0; index < CALLS; index++) held.exports.faults.bump();
      },
    },
    {
      name: 'useSync and such a call',
      operations: CALLS,
      run() {
        for (let index = 0; index < CALLS; index++) pool.useSync((it) => it.exports.faults.bump());
      },
    },
  ]);
  print(results, []);
  await pool.release(held);
  await pool.close();
}

heading('Time to a ready pool of a component, in a process of its own');
for (const name of ['guest.wasm', 'libc.wasm', 'jco-tests/adder.wasm']) start(name);
heading('Calls');
await calls();
rmSync(cache, { recursive: true });
