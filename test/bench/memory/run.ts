// Calls a guest that leaks 64 KiB a call, and prints the resident memory after each so many calls.
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import wabt from 'wabt';

const [, , limited, calls = ''] = process.argv;
const SAMPLES = 40;
const { parseWat } = await wabt();
const text = `(module (memory (export "memory") 1) (func (export "leak") (local $at i32)
  (local.set $at (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
  (memory.fill (local.get $at) (i32.const 1) (i32.const 65536))))`;
const guest = new Uint8Array(parseWat('leak.wat', text, { bulk_memory: true }).toBinary({}).buffer);
const pool = await createWasmPool<{ leak(): void }>(guest, {
  max: 4,
  maxMemoryBytes: limited === 'limited' ? 16 * 2 ** 20 : 0,
});
const every = Number(calls) / SAMPLES;
const residentBytes: number[] = [process.memoryUsage.rss()];
for (let call = 1; call <= Number(calls); call++) {
  await pool.use(({ exports }) => exports.leak());
  if (call % every === 0) residentBytes.push(process.memoryUsage.rss());
  if (call % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}
console.log(JSON.stringify(residentBytes));
await pool.close();
