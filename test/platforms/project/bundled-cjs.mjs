// The same for bundles in CommonJS, which know their own place by another name.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { runOnServer } from './run-on-server.mjs';

runOnServer(core, adapter, {
  worker: (options) => new Worker(join(__dirname, 'worker.cjs'), options),
});
