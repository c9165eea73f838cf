import { workerData } from 'node:worker_threads';
import { serveTasks } from './serve-tasks.js';

const { module } = workerData.wasmPool;
serveTasks(() => (module === undefined ? Promise.resolve({}) : import(module)));
