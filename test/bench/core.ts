// core beside the pools that there are: uncontended, contended, many waiters, creation, validation.
import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import * as lenders from './core/lenders.ts';
import { heading, record } from './report.ts';
import { inRounds, print, type Subject } from './rounds.ts';

const { factory } = lenders;
const ours = lenders.ours();
const generic = lenders.generic();
const lightning = lenders.lightning();
const tarn = lenders.tarn();
const sequelize = lenders.sequelize();

let sink = 0;
const take = (resource: lenders.Resource) => {
  sink += resource.value;
};
const takeAsync = async (resource: lenders.Resource) => {
  sink += resource.value;
};

const LOANS = 1000;

/** `borrowers` of them at once, each holding its resource for one turn of the microtask queue. */
function contend(
  name: string,
  pool: lenders.Lender,
  borrowers: number,
  operations: number,
): Subject {
  const run = async () => {
    let left = operations;
    const borrow = async () => {
      while (left-- > 0) {
        const resource = await pool.acquire();
        await null;
        sink += resource.value;
        pool.release(resource);
      }
    };
    await Promise.all(Array.from({ length: borrowers }, borrow));
  };
  return { name, operations, run };
}

await ours.ready();
// Each has a loop of its own: a shared one would call through to all of them, and slow down the fast.
const loans = await inRounds([
  {
    name: 'ours useSync',
    operations: LOANS,
    run() {
      for (let loan = 0; loan < LOANS; loan++) ours.useSync(take);
    },
  },
  {
    name: 'ours use, sync function',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) await ours.use(take);
    },
  },
  {
    name: 'ours use, async function',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) await ours.use(takeAsync);
    },
  },
  {
    name: 'generic-pool use',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) await generic.use(takeAsync);
    },
  },
  {
    name: 'ours acquire+release',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) await ours.release(await ours.acquire());
    },
  },
  {
    name: 'generic-pool acquire+release',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) await generic.release(await generic.acquire());
    },
  },
  {
    name: 'lightning-pool acquire+release',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) {
        await lightning.releaseAsync(await lightning.acquire());
      }
    },
  },
  {
    name: 'tarn acquire+release',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) tarn.release(await tarn.acquire().promise);
    },
  },
  {
    name: 'sequelize-pool acquire+release',
    operations: LOANS,
    async run() {
      for (let loan = 0; loan < LOANS; loan++) sequelize.release(await sequelize.acquire());
    },
  },
  contend('ours, 16 borrowers on 4', ours, 16, 4000),
  contend('generic-pool, 16 borrowers on 4', generic, 16, 4000),
  contend('lightning-pool, 16 borrowers on 4', lightning, 16, 4000),
  contend('tarn, 16 borrowers on 4', lenders.tarnLender(tarn), 16, 4000),
  contend('sequelize-pool, 16 borrowers on 4', sequelize, 16, 4000),
]);

heading('Loans');
print(loans, [
  { of: 'ours useSync', to: 'generic-pool use', atMost: 0.06 },
  { of: 'ours use, sync function', to: 'generic-pool use', atMost: 0.14 },
  { of: 'ours use, async function', to: 'generic-pool use', atMost: 0.2 },
  { of: 'ours acquire+release', to: 'generic-pool acquire+release', atMost: 0.3 },
  { of: 'ours acquire+release', to: 'lightning-pool acquire+release', atMost: 0.4 },
  { of: 'ours, 16 borrowers on 4', to: 'generic-pool, 16 borrowers on 4', atMost: 0.5 },
  { of: 'ours, 16 borrowers on 4', to: 'lightning-pool, 16 borrowers on 4', atMost: 0.8 },
  { of: 'ours, 16 borrowers on 4', to: 'tarn, 16 borrowers on 4', atMost: 0.8 },
]);

const before = process.memoryUsage().heapUsed;
for (let index = 0; index < 1_000_000; index++) ours.useSync(take);
const bytes = (process.memoryUsage().heapUsed - before) / 1_000_000;
record({
  name: 'allocated for one useSync, over a million',
  unit: 'bytes',
  median: bytes,
  from: bytes,
  to: bytes,
  atMost: 0.5,
});
heading('Many who wait');
const MANY = 10_000;
const waited = await inRounds([
  contend('ours, 16 borrowers on 4, 1,000,000 loans', ours, 16, 1_000_000),
  contend('ours, 10,000 borrowers on 4, 1,000,000 loans', ours, 10_000, 1_000_000),
  contend('promises alone, 16 borrowers, 1,000,000 loans', lenders.promisesAlone(), 16, 1_000_000),
  contend(
    'promises alone, 10,000 borrowers, 1,000,000 loans',
    lenders.promisesAlone(),
    10_000,
    1_000_000,
  ),
  contend('ours, 10,000 borrowers on 4, twice each', ours, MANY, 2 * MANY),
  contend('generic-pool, 10,000 borrowers on 4, twice each', generic, MANY, 2 * MANY),
  contend('lightning-pool, 10,000 borrowers on 4, twice each', lightning, MANY, 2 * MANY),
  contend('tarn, 10,000 borrowers on 4, twice each', lenders.tarnLender(tarn), MANY, 2 * MANY),
  contend('sequelize-pool, 10,000 borrowers on 4, twice each', sequelize, MANY, 2 * MANY),
]);
print(waited, [
  {
    of: 'ours, 10,000 borrowers on 4, 1,000,000 loans',
    to: 'ours, 16 borrowers on 4, 1,000,000 loans',
    atMost: 1.5,
  },
  {
    of: 'promises alone, 10,000 borrowers, 1,000,000 loans',
    to: 'promises alone, 16 borrowers, 1,000,000 loans',
  },
]);

heading('Many on one signal');
const held = createPool(factory);
await held.acquire();
const unlimited = createPool(
  {
    create: ({ signal }) =>
      new Promise<lenders.Resource>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    destroy() {},
  },
  { max: 0 },
);
/** So many acquires wait on one signal, which is then aborted. */
const abortAll = (name: string, pool: typeof held, count: number): Subject => ({
  name,
  operations: count,
  async run() {
    const controller = new AbortController();
    const { signal } = controller;
    const all = Array.from({ length: count }, () => pool.acquire({ signal }));
    controller.abort();
    await Promise.allSettled(all);
  },
});
const signalled = await inRounds([
  abortAll('100 waiters on one signal', held, 100),
  abortAll('10,000 waiters on one signal', held, MANY),
  abortAll('100 creations on one signal', unlimited, 100),
  abortAll('10,000 creations on one signal', unlimited, MANY),
]);
print(signalled, [
  { of: '10,000 waiters on one signal', to: '100 waiters on one signal', atMost: 2 },
  { of: '10,000 creations on one signal', to: '100 creations on one signal', atMost: 4 },
]);

heading('After a peak of 50, one at a time');
const IDLE_MILLIS = 200;
for (const fifo of [true, false]) {
  const pool = createPool(factory, { max: 50, fifo, idleTimeoutMillis: IDLE_MILLIS });
  const peak = await Promise.all(Array.from({ length: 50 }, () => pool.acquire()));
  for (const resource of peak) void pool.release(resource);
  const end = performance.now() + 5 * IDLE_MILLIS;
  while (performance.now() < end) {
    await pool.use(takeAsync);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const left = pool.size;
  record({
    name: `left with fifo: ${fifo}`,
    unit: 'resources',
    median: left,
    from: left,
    to: left,
  });
  await pool.close();
}
const mebibytes = (fifo: boolean) =>
  createPool(
    { create: () => new Uint8Array(2 ** 20).fill(1), destroy() {} },
    { max: 50, min: 50, fifo },
  );
const cold = mebibytes(true);
const warm = mebibytes(false);
await Promise.all([cold.ready(), warm.ready()]);
/** Reads one byte of each line of the cache. */
const read = (memory: Uint8Array) => {
  for (let at = 0; at < memory.length; at += 64) sink += memory[at] as number;
};
const read100 = (name: string, pool: typeof cold): Subject => ({
  name,
  operations: 100,
  run() {
    for (let loan = 0; loan < 100; loan++) pool.useSync(read);
  },
});
const touched = await inRounds([
  read100('reading 1 MiB of 50, fifo: true', cold),
  read100('reading 1 MiB of 50, fifo: false', warm),
]);
print(touched, [
  { of: 'reading 1 MiB of 50, fifo: false', to: 'reading 1 MiB of 50, fifo: true', atMost: 0.8 },
]);
await Promise.all([cold.close(), warm.close()]);

if (sink === 0) throw new Error('nothing was lent');
await Promise.all([
  ours.close(),
  lightning.closeAsync(),
  tarn.destroy(),
  lenders.closed(sequelize),
]);

heading('Every resource is created for one loan'); // tarn destroys none that is lent
const once = createPool(factory, { max: 4, maxUses: 1 });
const lightningOnce = lenders.lightning();
const sequelizeOnce = lenders.sequelize();
const created = await inRounds([
  contend('ours, created for each', once, 16, 4000),
  contend('generic-pool, created for each', lenders.destroying(lenders.generic()), 16, 4000),
  contend('lightning-pool, created for each', lenders.destroying(lightningOnce), 16, 4000),
  contend('sequelize-pool, created for each', lenders.destroying(sequelizeOnce), 16, 4000),
]);
print(created, [
  { of: 'ours, created for each', to: 'generic-pool, created for each' },
  { of: 'ours, created for each', to: 'lightning-pool, created for each' },
]);
await Promise.all([once.close(), lightningOnce.closeAsync(), lenders.closed(sequelizeOnce)]);

heading('Validated before each loan'); // in the ways that each pool can
const valid = () => true;
const validAsync = async () => true;
const validated = { max: 4, min: 4, testOnBorrow: true };
const oursValidated = createPool({ ...factory, validate: valid }, validated);
const oursValidatedAsync = createPool({ ...factory, validate: validAsync }, validated);
const genericValidated = genericPool.createPool({ ...factory, validate: validAsync }, validated);
const lightningValidated = lenders.lightning(validAsync);
const tarnValidated = lenders.tarn(valid);
const sequelizeValidated = lenders.sequelize(valid);
await Promise.all([oursValidated.ready(), oursValidatedAsync.ready()]);
const judged = await inRounds([
  contend('ours, a sync validate', oursValidated, 4, 4000),
  contend('tarn, a sync validate', lenders.tarnLender(tarnValidated), 4, 4000),
  contend('sequelize-pool, a sync validate', sequelizeValidated, 4, 4000),
  contend('ours, an async validate', oursValidatedAsync, 4, 4000),
  contend('generic-pool, an async validate', genericValidated, 4, 4000),
  contend('lightning-pool, an async validate', lightningValidated, 4, 4000),
]);
print(judged, [
  { of: 'ours, a sync validate', to: 'sequelize-pool, a sync validate' },
  { of: 'ours, an async validate', to: 'generic-pool, an async validate' },
]);
await Promise.all([
  oursValidated.close(),
  oursValidatedAsync.close(),
  lightningValidated.closeAsync(),
  tarnValidated.destroy(),
  lenders.closed(sequelizeValidated),
]);
