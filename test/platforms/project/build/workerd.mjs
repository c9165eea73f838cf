// Bundles the program as wrangler does, and asks it in workerd.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

await build({
  entryPoints: ['workerd.mjs'],
  bundle: true,
  format: 'esm',
  conditions: ['workerd', 'worker', 'browser'],
  external: ['*.wasm', '@bytecodealliance/*', 'node:*'],
  outdir: 'out/workerd',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
});
const guests = ['adder/adder.core.wasm', 'asker.wasm', 'counter.wasm', 'tool.wasm'];
const miniflare = new Miniflare({
  compatibilityDate: '2026-07-01',
  compatibilityFlags: process.argv.slice(2),
  modules: [
    { type: 'ESModule', path: 'main.mjs', contents: readFileSync('out/workerd/workerd.mjs') },
    ...guests.map((it) => ({
      type: 'CompiledWasm',
      path: `guests/${it}`,
      contents: readFileSync(`guests/${it}`),
    })),
  ],
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  console.log(`RESULTS ${await response.text()}`);
} finally {
  await miniflare.dispose();
}
