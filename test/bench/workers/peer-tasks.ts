// The same for the other pools: one function that is told which.
import { workerData } from 'node:worker_threads';
import * as piscina from 'piscina';
import type { Guest } from './guest.ts';

const bytes: Uint8Array<ArrayBuffer> = workerData?.guest ?? workerData?.[1]?.guest;
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
const { add, compute } = exports as unknown as Guest;

export default function run([name, a, b]: ['add' | 'compute' | 'echo', never, never]): unknown {
  if (name === 'add') return add(a, b);
  return name === 'compute' ? compute(a) : piscina.move(a);
}
