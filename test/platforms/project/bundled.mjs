// The program for bundlers that build for Node.js. The worker's file is in a form that they see through.
import { Worker } from 'node:worker_threads';
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnServer } from './run-on-server.mjs';

await runOnServer(core, adapter, {
  worker: (options) => new Worker(new URL('./worker.mjs', import.meta.url), options),
});
