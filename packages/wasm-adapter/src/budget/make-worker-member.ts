// What the pools of a factory on threads are made with, and which is loaded with the first one.
export { startWorkerPool } from '../worker/pool/make-wasm-worker-pool.js';
export { workerSettings } from '../worker/pool/worker-options.js';
