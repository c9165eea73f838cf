// Ten mutants of components for one seed: `node component-batch.ts SEED`. A pool is made of each, or refused with
// a stable code; after them a good component still works.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createWasmPool, WasmError } from '@wasm-pool/wasm-adapter';
import { mutate, randomOf } from './mutants.ts';

const folder = new URL('../fixtures/components/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const seeds = ['libc.wasm', 'guest.wasm', 'tasks.wasm', 'network3.wasm'].map(read);
const component = { cache: false, transpileTimeoutMillis: 20_000 } as const;
const random = randomOf(Number(process.argv[2]));
const fates: Record<string, number> = {};

/** One bit changed: more of these are valid. */
function flipped(seed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const mutant = seed.slice();
  const at = 8 + random(mutant.length - 8);
  mutant[at] = (mutant[at] ?? 0) ^ (1 << random(8));
  return mutant;
}

async function fateOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  try {
    await using pool = await createWasmPool(bytes, { max: 1, component });
    await pool.use(() => {});
    return 'made';
  } catch (error) {
    if (error instanceof WasmError) return error.code;
    throw error;
  }
}

for (let number = 0; number < 10; number++) {
  const seed = seeds[random(seeds.length)] ?? new Uint8Array();
  const mutant = number % 2 === 0 ? mutate(seed, random) : flipped(seed);
  try {
    const fate = `component: ${await fateOf(mutant)}`;
    fates[fate] = (fates[fate] ?? 0) + 1;
  } catch (error) {
    console.error(`mutant ${number}: ${Buffer.from(mutant).toString('base64')}`);
    throw error;
  }
}
assert.equal(await fateOf(seeds[0] ?? new Uint8Array()), 'made');
console.log(JSON.stringify(fates));
