import { WasmError } from '../../errors.js';
import { onStart, replaceStartData } from '../../platform/threads.js';
import type { ThreadData } from '../wire/messages.js';
import type { TasksSource } from './server.js';

export type { TasksSource };

/**
 * Makes the thread that calls it a worker of a `createWasmWorkerPool`, with these tasks: for a worker
 * file of your own, where a bundler has to see it. Throws a `WasmError` `ERR_WASM_WORKER` where it is no
 * thread of such a pool.
 */
export function serveTasks(tasks: TasksSource): void {
  onStart((started) => serve(tasks, started));
}

function serve(tasks: TasksSource, started: Record<string, unknown> | undefined): void {
  const data = started?.wasmPool as ThreadData | undefined;
  if (started === undefined || data?.port === undefined) {
    throw new WasmError(
      'ERR_WASM_WORKER',
      'serveTasks: this is no thread of a pool; accepted: a file that the `worker` option of createWasmWorkerPool starts',
    );
  }
  // From here on no code on this thread reaches the pool's port or its memory.
  started.wasmPool = Object.freeze({ name: data.poolName });
  if (data.userData !== undefined) replaceStartData(data.userData);
  void import('./server.js').then(({ Server }) => new Server(data).listen(tasks));
}
