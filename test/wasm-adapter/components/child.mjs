// Makes a pool of a component, with the cache folder that is given, calls it, and prints what came of
// it, and whether jco was run: node child.mjs component.wasm cache-folder
import { readFileSync } from 'node:fs';
import { createWasmPool } from '@wasm-pool/wasm-adapter';

let jco = false;
process.on('worker', () => {
  jco = true; // no other thread is started here
});

const [, , path, cache] = process.argv;
const imports = { 'test:guest/host': { log() {}, lookUp: (key) => key.length, measure: () => 0 } };
const pool = await createWasmPool(readFileSync(path), { imports, component: { cache } });
const answer = await pool.use(({ exports: { run, values } }) =>
  run ? run.run() : values?.greet('child'),
);
console.log(JSON.stringify({ answer, jco }));
await pool.close();
