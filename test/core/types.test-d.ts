// Checked by `tsc -b`, never run: each `@ts-expect-error` fails to compile once its line compiles.
import {
  createPool,
  type DestroyReason,
  type EvictPolicy,
  type Factory,
  type Leak,
  type Lease,
  type Pool,
  type PoolOptions,
  type PoolStats,
  unfit,
} from '@wasm-pool/core';

type Equal<A, B> =
  (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const is = <_ extends true>() => {};

interface Connection {
  query(text: string): Promise<string[]>;
}
declare const connection: Connection;

const factory = {
  create: async () => connection,
  destroy(given: Connection, reason: DestroyReason) {
    is<Equal<typeof given, Connection>>();
    reason.toUpperCase();
  },
};

export async function inference() {
  const pool = createPool(factory, { max: 2 });
  is<Equal<typeof pool, Pool<Connection>>>();

  const lent = await pool.acquire();
  is<Equal<typeof lent, Connection>>();
  const tried = pool.tryAcquire();
  is<Equal<typeof tried, Connection | undefined>>();
  const rows = await pool.use((it) => it.query('select 1'));
  is<Equal<typeof rows, string[]>>();
  const sync = await pool.use(() => 5);
  is<Equal<typeof sync, number>>();
  const immediate = pool.useSync((it) => typeof it.query);
  is<Equal<typeof immediate, 'function' extends string ? typeof immediate : never>>();
  const lease = await pool.lease();
  is<Equal<typeof lease, Lease<Connection>>>();
  is<Equal<typeof lease.value, Connection>>();
  const stats = pool.stats();
  is<Equal<typeof stats, PoolStats>>();

  pool.on('create', (it) => is<Equal<typeof it, Connection>>());
  pool.on('destroy', (it, reason, cause) => {
    is<Equal<typeof it, Connection>>();
    is<Equal<typeof reason, DestroyReason>>();
    is<Equal<typeof cause, unknown>>();
  });
  pool.on('leak', (_, leak) => is<Equal<typeof leak, Leak>>());
  pool.once('factoryCreateError', (error) => error.code.toUpperCase());

  // A synchronous create infers the same; so does a class.
  const numbers = createPool({ create: () => 5, destroy() {} });
  is<Equal<typeof numbers, Pool<number>>>();

  await using _disposable = pool;
  await using _lease = lease;
}

export function wrongUses(pool: Pool<Connection>) {
  // @ts-expect-error a factory has to destroy
  createPool({ create: () => 1 });
  // @ts-expect-error a factory has to create
  createPool({ destroy() {} });
  // @ts-expect-error an option that does not exist
  createPool(factory, { maximum: 1 });
  // @ts-expect-error a number as a string
  createPool(factory, { max: '1' });
  // @ts-expect-error generic-pool has this one in its types and ignores it
  createPool(factory, { testOnReturn: true });
  // @ts-expect-error what destroy takes is not what create makes
  createPool({ create: () => 1, destroy(_: string) {} });
  // @ts-expect-error a reason is a text
  unfit(5);
  // @ts-expect-error a policy answers with a reason
  createPool(factory, { evict: () => 1 });

  // @ts-expect-error useSync cannot take a function that returns a promise
  pool.useSync(async (it) => it);
  // @ts-expect-error nor one that hands one on
  pool.useSync((it) => it.query('select 1'));
  // @ts-expect-error a resource of another kind
  pool.release(5);
  // @ts-expect-error tryAcquire may have found nothing
  pool.tryAcquire().query('select 1');
  // @ts-expect-error no such acquire option
  pool.acquire({ prio: 1 });
  // @ts-expect-error a controller is not its signal
  pool.acquire({ signal: new AbortController() });
  // @ts-expect-error no such event
  pool.on('created', () => {});
  // @ts-expect-error a listener of something else
  pool.on('create', (_: string) => {});
  // @ts-expect-error counters are read-only
  pool.size = 5;
  // @ts-expect-error so are options
  pool.max = 5;
  // @ts-expect-error no such close option
  pool.close({ timeout: 1 });
  // @ts-expect-error and what is inside stays inside
  pool._dispense();
}

export const policy: EvictPolicy<Connection> = ({ resource, uses }, { available }) => {
  is<Equal<typeof resource, Connection>>();
  return uses > 5 && available > 1 && 'worn';
};
export const options: PoolOptions<Connection> = { evict: [policy], max: undefined };
export const broad: PoolOptions = { max: 1 };
export const asInterface: Factory<number> = { create: async () => 1, destroy: async () => {} };
