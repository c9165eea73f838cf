// The pools that core is measured beside, each with four of the same resources.
import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { createPool as createLightningPool } from 'lightning-pool';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';

export interface Resource {
  readonly value: number;
}

export interface Lender {
  acquire(): Promise<Resource>;
  release(resource: Resource): unknown;
}

export const factory = {
  create: async (): Promise<Resource> => ({ value: 1 }),
  destroy: async () => {},
};
const four = { max: 4, min: 4 };

export const ours = () => createPool(factory, four);
export const generic = () => genericPool.createPool(factory, four);
export const lightning = (validate?: () => Promise<boolean>) =>
  createLightningPool(
    { ...factory, ...(validate && { validate }) },
    { ...four, maxQueue: 1_000_000 },
  );
export const sequelize = (validate = () => true) =>
  new SequelizePool<Resource>({ ...factory, ...four, validate });
export const tarn = (validate?: () => boolean) =>
  new TarnPool<Resource>({ ...factory, ...four, ...(validate && { validate }) });

export const tarnLender = (pool: TarnPool<Resource>): Lender => ({
  acquire: () => pool.acquire().promise,
  release: (it) => pool.release(it),
});

/** Ends the timer that it has for as long as it lends. */
export const closed = (pool: SequelizePool<Resource>): Promise<void> =>
  pool.drain().then(() => pool.destroyAllNow());

/** One whose resources are destroyed when they are returned. */
export const destroying = (pool: Lender & { destroy(it: Resource): unknown }): Lender => ({
  acquire: () => pool.acquire(),
  release: (it) => pool.destroy(it),
});

/** Four resources and an array of those who wait: what the promises alone cost. */
export function promisesAlone(): Lender {
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
