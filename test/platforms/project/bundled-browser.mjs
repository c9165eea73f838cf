// The program for bundlers that build for browsers.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnPage } from './run-on-page.mjs';

await runOnPage(core, adapter, {
  worker: () => new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' }),
});
