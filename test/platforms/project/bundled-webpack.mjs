// The same for webpack, which brings a Worker of its own: in 5.113 one that is imported breaks.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnServer } from './run-on-server.mjs';

await runOnServer(core, adapter, {
  worker: (options) => new Worker(new URL('./worker.mjs', import.meta.url), options),
});
