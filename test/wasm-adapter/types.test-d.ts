// Checked by `tsc -b`, never run: each `@ts-expect-error` fails to compile once its line compiles.
import {
  createWasmPool,
  createWasmPoolFactory,
  type Lease,
  PoolError,
  suspending,
  type WasmAcquireOptions,
  type WasmErrorCode,
  type WasmImports,
  type WasmInstance,
  type WasmPool,
  type WasmPoolOptions,
  type WasmSource,
} from '@wasm-pool/wasm-adapter';

type Equal<A, B> =
  (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const is = <_ extends true>() => {};

interface Plugin {
  memory: WebAssembly.Memory;
  add(a: number, b: number): number;
  ask(key: number): Promise<number>;
}
interface Request {
  id: string;
}
declare const src: WasmSource;

export async function inference() {
  const pool = await createWasmPool<Plugin, Request>(src, {
    imports(instance) {
      is<Equal<typeof instance, WasmInstance<Plugin, Request>>>();
      is<Equal<typeof instance.context, Request | undefined>>();
      is<Equal<typeof instance.memory, WebAssembly.Memory | undefined>>();
      return { env: { ask: suspending(async (key: number) => key) } };
    },
    wasi: (instance) => ({ args: [instance.name], env: { ID: String(instance.id) } }),
    onCreate: async (instance) => is<Equal<typeof instance.exports, Plugin>>(),
    evict: ({ resource }) => resource.memoryBytes > 5 && 'large',
  });
  is<Equal<typeof pool, WasmPool<Plugin, Request>>>();
  is<Equal<typeof pool.module, WebAssembly.Module>>();
  is<Equal<typeof pool.restoreBlockers, readonly string[]>>();

  const context = { id: 'a' };
  const lent = await pool.acquire({ context, priority: 0, timeoutMillis: 5 });
  is<Equal<typeof lent, WasmInstance<Plugin, Request>>>();
  is<Equal<typeof lent.exports.add, (a: number, b: number) => number>>();
  const tried = pool.tryAcquire({ context });
  is<Equal<typeof tried, WasmInstance<Plugin, Request> | undefined>>();
  const lease = await pool.lease({ context });
  is<Equal<typeof lease, Lease<WasmInstance<Plugin, Request>>>>();
  const sum = await pool.use(({ exports }) => exports.add(1, 2), { context });
  is<Equal<typeof sum, number>>();
  const answer = await pool.use(({ exports }) => exports.ask(1));
  is<Equal<typeof answer, number>>();
  const now = pool.useSync((instance) => instance.context, { context });
  is<Equal<typeof now, Request | undefined>>();
  pool.on('destroy', (instance, reason) => `${instance.name} ${reason}`);

  interface Codec {
    encode(text: string): string;
  }
  const loaded = await createWasmPool<Codec>(src, {
    instantiate: async (module, instance) => {
      is<Equal<typeof module, WebAssembly.Module>>();
      is<Equal<ReturnType<typeof instance.link>, WebAssembly.Instance>>();
      return { encode: (text: string) => text };
    },
  });
  is<Equal<typeof loaded, WasmPool<Codec, unknown>>>();

  const tenants = createWasmPoolFactory({ maxInstances: 5, maxTotalMemoryBytes: 2 ** 30 });
  const tenant = await tenants.create<Plugin, Request>(src, { max: 2 });
  is<Equal<typeof tenant, typeof pool>>();
  await using _pool = pool;
  await using _tenants = tenants;

  const plain = await createWasmPool(src);
  is<Equal<typeof plain, WasmPool<WebAssembly.Exports, unknown>>>();
}

export async function wrongUses(pool: WasmPool<Plugin, Request>) {
  // @ts-expect-error no such export
  await pool.use(({ exports }) => exports.subtract(1, 2));
  // @ts-expect-error an argument of another type
  await pool.use(({ exports }) => exports.add('1', 2));
  // @ts-expect-error a context of another kind
  await pool.use(() => {}, { context: { name: 'a' } });
  // @ts-expect-error nor here
  await pool.acquire({ context: 5 });
  // @ts-expect-error nor here
  pool.tryAcquire({ context: null });
  // @ts-expect-error nor in a lease
  await pool.lease({ context: 'a' });
  // @ts-expect-error there may be no context
  pool.useSync((instance) => instance.context.id);
  // @ts-expect-error the pool sets the context
  (await pool.acquire()).context = { id: 'b' };
  // @ts-expect-error useSync cannot wait
  pool.useSync(({ exports }) => exports.ask(1));
  // @ts-expect-error tryAcquire cannot either
  pool.tryAcquire({ timeoutMillis: 5 });
  // @ts-expect-error an instance of another pool's module
  pool.release({} as WasmInstance<{ other(): void }, Request>);
  // @ts-expect-error pool.destroy takes no reason
  pool.destroy({} as WasmInstance<Plugin, Request>, 'mine');
  // @ts-expect-error no such option
  await createWasmPool(src, { maximum: 5 });
  // @ts-expect-error core's autostart is not for pools of instances
  await createWasmPool(src, { autostart: false });
  // @ts-expect-error no such reset
  await createWasmPool(src, { reset: 'reload' });
  // @ts-expect-error an argument is a string
  await createWasmPool(src, { wasi: { args: [1] } });
  // @ts-expect-error what instantiate gives is what exports are
  await createWasmPool<Plugin>(src, { instantiate: () => ({ add: (a: string) => a }) });
  // @ts-expect-error a source has to be there
  await createWasmPool(undefined);
  // @ts-expect-error no such limit
  createWasmPoolFactory({ maxMemoryBytes: 5 });
  // @ts-expect-error no such code
  return 'ERR_WASM' satisfies WasmErrorCode;
}

export const imports: WasmImports = { env: { log: () => {}, memory: {} } };
export const options: WasmPoolOptions<Plugin, Request> = { max: undefined, promising: ['ask'] };
export const acquire: WasmAcquireOptions<Request> = { context: undefined, priority: 1 };
export const isPoolError = (error: unknown) => error instanceof PoolError;
