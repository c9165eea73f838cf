import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { createPool as createLightningPool } from 'lightning-pool';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';
import { heading, record } from './report.ts';
import { inRounds, print, type Subject } from './rounds.ts';

const factory = {
  create: async () => ({ value: 1 }),
  destroy: async () => {},
};
type Resource = { value: number };

const ours = createPool(factory, { max: 4, min: 4 });
const generic = genericPool.createPool(factory, { max: 4, min: 4 });
const lightning = createLightningPool(factory, { max: 4, min: 4, maxQueue: 1_000_000 });
const tarn = new TarnPool<Resource>({ ...factory, max: 4, min: 4 });
const sequelize = new SequelizePool<Resource>({
  ...factory,
  max: 4,
  min: 4,
  validate: () => true,
  acquireTimeoutMillis: 60_000,
});

let sink = 0;
const take = (resource: Resource) => {
  sink += resource.value;
};
const takeAsync = async (resource: Resource) => {
  sink += resource.value;
};

const LOANS = 1000;

interface Lender {
  acquire(): Promise<Resource>;
  release(resource: Resource): unknown;
}

/** `borrowers` of them at once, each holding its resource for one turn of the microtask queue. */
function contend(name: string, pool: Lender, borrowers: number, operations: number): Subject {
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

const asLender = {
  ours,
  generic,
  lightning,
  tarn: { acquire: () => tarn.acquire().promise, release: (it: Resource) => tarn.release(it) },
  sequelize,
};

/** Four resources and an array of those who wait: what the promises alone cost. */
function promisesAlone(): Lender {
  const idle: Resource[] = [1, 2, 3, 4].map((value) => ({ value }));
  let waiting: ((resource: Resource) => void)[] = [];
  let served = 0;
  return {
    acquire() {
      const resource = idle.pop();
      if (resource !== undefined) return Promise.resolve(resource);
      const { promise, resolve } = Promise.withResolvers<Resource>();
      waiting.push(resolve);
      return promise;
    },
    release(resource) {
      const next = waiting[served];
      if (next === undefined) {
        idle.push(resource);
        return;
      }
      served++;
      if (served === 50_000) {
        waiting = waiting.slice(served);
        served = 0;
      }
      next(resource);
    },
  };
}

await ours.ready();
// Each has a loop of its own: a shared one would call through to all of them, and slow down the fast.
const results = await inRounds([
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
  contend('ours, 16 borrowers on 4', asLender.ours, 16, 4000),
  contend('generic-pool, 16 borrowers on 4', asLender.generic, 16, 4000),
  contend('lightning-pool, 16 borrowers on 4', asLender.lightning, 16, 4000),
  contend('tarn, 16 borrowers on 4', asLender.tarn, 16, 4000),
  contend('sequelize-pool, 16 borrowers on 4', asLender.sequelize, 16, 4000),
  contend('ours, 16 borrowers on 4, 1,000,000 loans', asLender.ours, 16, 1_000_000),
  contend('ours, 10,000 borrowers on 4, 1,000,000 loans', asLender.ours, 10_000, 1_000_000),
  contend('promises alone, 16 borrowers, 1,000,000 loans', promisesAlone(), 16, 1_000_000),
  contend('promises alone, 10,000 borrowers, 1,000,000 loans', promisesAlone(), 10_000, 1_000_000),
]);

heading('Loans');
print(results, [
  { of: 'ours useSync', to: 'generic-pool use', atMost: 0.06 },
  { of: 'ours use, sync function', to: 'generic-pool use', atMost: 0.14 },
  { of: 'ours use, async function', to: 'generic-pool use', atMost: 0.2 },
  { of: 'ours acquire+release', to: 'generic-pool acquire+release', atMost: 0.3 },
  { of: 'ours acquire+release', to: 'lightning-pool acquire+release', atMost: 0.4 },
  { of: 'ours, 16 borrowers on 4', to: 'generic-pool, 16 borrowers on 4', atMost: 0.5 },
  { of: 'ours, 16 borrowers on 4', to: 'lightning-pool, 16 borrowers on 4', atMost: 0.8 },
  { of: 'ours, 16 borrowers on 4', to: 'tarn, 16 borrowers on 4', atMost: 0.8 },
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
if (sink === 0) throw new Error('nothing was lent');
await Promise.all([
  ours.close(),
  lightning.closeAsync(),
  tarn.destroy(),
  sequelize.drain().then(() => sequelize.destroyAllNow()),
]);

heading('Every resource is created for one loan');
const once = createPool(factory, { max: 4, maxUses: 1 });
const genericOnce = genericPool.createPool(factory, { max: 4 });
const lightningOnce = createLightningPool(factory, { max: 4, maxQueue: 1_000_000 });
const created = await inRounds([
  contend('ours, created for each', once, 16, 4000),
  contend(
    'generic-pool, created for each',
    { acquire: () => genericOnce.acquire(), release: (it) => genericOnce.destroy(it) },
    16,
    4000,
  ),
  contend(
    'lightning-pool, created for each',
    { acquire: () => lightningOnce.acquire(), release: (it) => lightningOnce.destroy(it) },
    16,
    4000,
  ),
]);
print(created, [
  { of: 'ours, created for each', to: 'generic-pool, created for each' },
  { of: 'ours, created for each', to: 'lightning-pool, created for each' },
]);
await Promise.all([once.close(), lightningOnce.closeAsync()]);

heading('Validated before each loan');
const checks = { ...factory, validate: () => true };
const checksAsync = { ...factory, validate: async () => true };
const validated = { max: 4, min: 4, testOnBorrow: true };
const oursValidated = createPool(checks, validated);
const oursValidatedAsync = createPool(checksAsync, validated);
const genericValidated = genericPool.createPool(checksAsync, validated);
await Promise.all([oursValidated.ready(), oursValidatedAsync.ready()]);
const judged = await inRounds([
  contend('ours, a sync validate', oursValidated, 4, 4000),
  contend('ours, an async validate', oursValidatedAsync, 4, 4000),
  contend('generic-pool, an async validate', genericValidated, 4, 4000),
]);
print(judged, [
  { of: 'ours, an async validate', to: 'generic-pool, an async validate' },
  { of: 'ours, a sync validate', to: 'generic-pool, an async validate' },
]);
await Promise.all([oursValidated.close(), oursValidatedAsync.close()]);
