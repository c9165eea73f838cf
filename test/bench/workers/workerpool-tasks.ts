// The same for workerpool, whose workers register what they run.
import { workerData } from 'node:worker_threads';
import workerpool from 'workerpool';
import type { Guest } from './guest.ts';

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(workerData.guest));
const { add, compute } = exports as unknown as Guest;
workerpool.worker({ add, compute });
