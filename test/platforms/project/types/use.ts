// Compiled by each TypeScript, with and without the types of the DOM and of Node.js.
import { type AcquireOptions, createPool, type Lease, PoolError } from '@wasm-pool/core';
import {
  type CommandResult,
  createWasmCommandPool,
  createWasmPool,
  createWasmPoolFactory,
  createWasmSnapshot,
  createWasmWorkerPool,
  type ModuleSource,
  WasmError,
  type WasmErrorCode,
  type WasmInstance,
  type WasmPool,
  type WasmPoolOptions,
  type WasmSource,
  type WasmWorkerPoolOptions,
} from '@wasm-pool/wasm-adapter';

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Takes a type that is not `any`. */
declare function known<T>(...given: IsAny<T> extends true ? [never] : []): void;

interface Add {
  add(a: number, b: number): number;
}

declare const bytes: Promise<Uint8Array<ArrayBuffer>>;
declare const buffer: ArrayBuffer;

export const pool = await createWasmPool<Add>(bytes, { max: 1 });
await createWasmPool<Add>(buffer);
await createWasmPool<Add>(Promise.resolve(buffer));
await createWasmPool<Add>('file.wasm');
const sum = await pool.use(({ exports, memory, context, id }) => {
  known<typeof exports>();
  known<typeof context>();
  known<typeof id>();
  const room: ArrayBufferLike | undefined = memory?.buffer;
  return exports.add(1, room?.byteLength ?? 0);
});
const check: number = sum;
known<typeof check | typeof sum>();

// @ts-expect-error: no source
await createWasmPool(42);
// @ts-expect-error: a forgotten await
await createWasmPool(createWasmPool(bytes));
// @ts-expect-error: a forgotten await
await createWasmPool(Promise.resolve(pool));
// @ts-expect-error: no source
await createWasmPool(pool);
// @ts-expect-error: no source
await createWasmPool(Promise.resolve(42));
// @ts-expect-error: no source
await createWasmPool([1, 2]);
// @ts-expect-error: no source
await createWasmPool(undefined);
// @ts-expect-error: no source
await createWasmWorkerPool(42);
// @ts-expect-error: no source
await createWasmSnapshot(42, {});
// @ts-expect-error: no source
await createWasmCommandPool(true);
// @ts-expect-error: no source
await createWasmPoolFactory().create(42);

known<WasmSource>();
known<ModuleSource>();
known<WasmInstance>();
known<WasmInstance['exports']>();
known<WasmInstance['memory']>();
known<WasmInstance['WebAssembly']>();
known<WasmPool<Add>['module']>();
known<WasmPoolOptions['imports']>();
known<WasmPoolOptions['wasi']>();
known<AcquireOptions['signal']>();
known<WasmWorkerPoolOptions['module']>();
known<WasmWorkerPoolOptions['worker']>();
known<WasmWorkerPoolOptions['resourceLimits']>();
known<Parameters<NonNullable<WasmWorkerPoolOptions['worker']>>[0]>();
known<CommandResult['stdout']>();
known<Lease<number>[typeof Symbol.asyncDispose]>();
known<PoolError['code']>();
known<WasmErrorCode>();

/** The codes are unions: a switch over them is checked. */
export function statusOf(error: unknown): number {
  if (error instanceof PoolError) return error.code === 'ERR_POOL_CLOSED' ? 503 : 500;
  // @ts-expect-error: there is no such code
  if (error instanceof WasmError && error.code === 'ERR_WASM_NONE') return 0;
  return 500;
}

export async function disposed(): Promise<number> {
  await using lease = await pool.lease();
  return lease.value.exports.add(1, 2);
}

export const numbers = createPool({ create: () => 1, destroy() {} }, { max: 1 });
