import { move } from '@wasm-pool/wasm-adapter';
import type { workerPool } from './pools.js';

type WorkerPool = Awaited<ReturnType<typeof workerPool>>;

const detached = new Uint8Array(8);
structuredClone(detached, { transfer: [detached.buffer] });

/** What goes wrong in one call, and the code or name of what it then rejects with. */
export const faults: Readonly<
  Record<string, readonly [call: (pool: WorkerPool) => Promise<unknown>, expected: string]>
> = {
  kill: [(pool) => pool.call('loop', [], { callTimeoutMillis: 3 }), 'ERR_WASM_CALL_TIMEOUT'],
  hang: [(pool) => pool.call('never', [], { callTimeoutMillis: 3 }), 'ERR_WASM_CALL_TIMEOUT'],
  'guest that spins': [
    (pool) => pool.call('spin', [], { callTimeoutMillis: 3 }),
    'ERR_WASM_CALL_TIMEOUT',
  ],
  abort: [(pool) => pool.call('loop', [], { signal: AbortSignal.timeout(5) }), 'TimeoutError'],
  exit: [(pool) => pool.run.exit(1), 'ERR_WASM_WORKER_EXIT'],
  crash: [
    (pool) =>
      pool.use(async ({ run }) => {
        await run.throwSoon();
        await run.never();
      }),
    'ERR_WASM_WORKER_EXIT',
  ],
  trap: [(pool) => pool.run.trap(), 'RuntimeError'],
  'oversized result': [(pool) => pool.run.oversized(), 'ERR_WASM_CLONE'],
  'unclonable result': [(pool) => pool.run.unclonable(), 'ERR_WASM_CLONE'],
  'unclonable argument': [(pool) => pool.run.echo(() => {}), 'ERR_WASM_CLONE'],
  'detached buffer': [(pool) => pool.run.size(move(detached)), 'ERR_WASM_CLONE'],
  'unknown name': [(pool) => pool.call('nowhere' as 'sum', [1, 2]), 'ERR_WASM_TASK'],
  'thrown error': [(pool) => pool.run.fail('unusual'), 'ERR_UNUSUAL'],
  'careless return': [
    async (pool) => {
      const worker = await pool.acquire();
      const call = worker.run.never();
      await pool.release(worker);
      return call;
    },
    'ERR_WASM_WORKER_EXIT',
  ],
};
