import { builtinIfAny } from './builtin.js';
import { threadMemory } from './shared-memory.js';

let never: Int32Array | undefined;

/**
 * Blocks this thread for so long; what ends a thread ends the wait, too. Returns false at once where
 * the platform does not let this thread block, as on the main thread of browsers.
 */
export function blockFor(millis: number): boolean {
  try {
    never ??= new Int32Array(threadMemory(4));
    Atomics.wait(never, 0, 0, millis);
    return true;
  } catch {
    return false;
  }
}

/** Whether this is a thread that may be ended by itself, rather than the main one. */
export function isWorkerThread(): boolean {
  const threads = builtinIfAny('node:worker_threads');
  return threads === undefined ? 'WorkerGlobalScope' in globalThis : !threads.isMainThread;
}
