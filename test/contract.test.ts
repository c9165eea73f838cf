// What all pools have in common is tested once, for each kind of them.
import { createPool } from '@wasm-pool/core';
import {
  createWasmPool,
  createWasmPoolFactory,
  createWasmWorkerPool,
} from '@wasm-pool/wasm-adapter';
import { ADD, type Add } from './helpers/fixture.js';
import { testPool } from './helpers/test-pool.js';
import { wat } from './helpers/wat.js';

const module = wat(ADD);
const add = ({ exports }: { exports: Add }) => exports.add(1, 2);

testPool({
  name: 'a pool of anything',
  create: (options) =>
    createPool({ create: () => ({ value: 3 }), destroy() {}, recycle: () => true }, options),
  work: ({ value }) => value,
});

testPool({
  name: 'a pool of instances',
  create: (options) => createWasmPool<Add>(module, options),
  work: add,
});

testPool({
  name: 'a pool of instances that are restored',
  create: (options) => createWasmPool<Add>(module, { ...options, reset: 'restore' }),
  work: add,
});

const budget = createWasmPoolFactory({ maxInstances: 100 });
testPool({
  name: 'a pool of instances within a budget',
  create: (options) => budget.create<Add>(module, options),
  work: add,
});

const tasks = new URL(
  `data:text/javascript,${encodeURIComponent('export const three = ({ exports }) => exports.add(1, 2);')}`,
);
testPool({
  name: 'a pool of instances on threads',
  create: (options) =>
    createWasmWorkerPool<{ three(instance: { exports: Add }): number }>(module, {
      ...options,
      module: tasks,
    }),
  work: ({ run }) => run.three(),
});
