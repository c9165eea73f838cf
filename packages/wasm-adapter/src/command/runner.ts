import type { Pool } from '@wasm-pool/core';
import { WasmError } from '../errors.js';
import { type WasiOptions, wasiDefaults } from '../instance/wasi/options.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import type { WasmPool } from '../pool/wasm-pool.js';
import type { CommandEnd } from './run-on-instance.js';

/** How one run is carried out: on this thread, or on others. */
export interface Runner {
  readonly suspends: boolean;
  readonly pool: Pick<Pool<never>, 'stats' | 'close'>;
  run(world: WasiOptions, limits: RunLimits): Promise<CommandEnd>;
}

export interface RunLimits {
  readonly timeoutMillis: number;
  readonly signal: AbortSignal | undefined;
  readonly priority: number | undefined;
}

/** A run under way. */
export interface Run {
  readonly end: Promise<CommandEnd>;
  /** Has what the guest still does fail. */
  stop(): void;
}

/** Borrows an instance of a pool of this thread for one run. */
export async function runOnBorrowed(
  pool: WasmPool,
  name: string,
  world: WasiOptions,
  { timeoutMillis, signal, priority }: RunLimits,
  begin: (instance: WasmInstance, world: WasiOptions) => Run,
): Promise<CommandEnd> {
  const instance = await pool.acquire({ signal, priority });
  const ended = Promise.withResolvers<never>();
  let given = true;
  let run: Run | undefined;
  const giveUp = (reason: unknown) => {
    given = false;
    run?.stop();
    ended.reject(reason);
    void pool.destroy(instance); // which wakes a guest that is suspended
  };
  const onAbort = () => giveUp(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMillis > 0
      ? setTimeout(() => giveUp(timeoutError(name, timeoutMillis)), timeoutMillis)
      : undefined;
  try {
    run = begin(instance, {
      ...world,
      maxBlockMillis: Math.min(
        world.maxBlockMillis ?? wasiDefaults.maxBlockMillis,
        timeoutMillis || Number.POSITIVE_INFINITY,
      ),
    });
    return await Promise.race([run.end, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    if (given) await pool.release(instance);
  }
}

function timeoutError(name: string, millis: number): WasmError {
  return new WasmError('ERR_WASM_CALL_TIMEOUT', `${name}: a run took longer than ${millis} ms`);
}
