import type {
  MessagePort,
  ResourceLimits,
  Transferable,
  Worker,
  WorkerOptions,
} from 'node:worker_threads';
import { builtin } from './builtin.js';

export type { MessagePort, ResourceLimits, Transferable, Worker, WorkerOptions };

/** Starts a worker thread with the options that are given. */
export type Spawn = (options: WorkerOptions) => Worker;

const library = () => builtin('node:worker_threads', 'a pool on threads');

/** Whether a thread that must not block can wait for a word of shared memory. */
export const waitsInMemory = typeof Atomics.waitAsync === 'function';

/** Starts the thread of a pool. Throws as `Worker` does, and as `builtin`. */
export function startThread(options: WorkerOptions): Worker {
  const { Worker: Thread } = library();
  return new Thread(threadFile, options);
}

/** What runs on a thread. From `src`, where the tests are run, it is the built one too. */
const threadFile = new URL('../../dist/thread.mjs', import.meta.url);

/** How many threads run at the same time, unless a pool is told otherwise. */
export function parallelism(): number {
  return builtin('node:os', 'a pool on threads').availableParallelism();
}

/** The number of this thread, from 1; the main thread has 0. */
export function threadNumber(): number {
  return library().threadId;
}

/** Two ports that are connected. */
export function openChannel(): { readonly port1: MessagePort; readonly port2: MessagePort } {
  const { port1, port2 } = new (library().MessageChannel)();
  return { port1, port2 };
}

/**
 * Gives a function that takes the next message that has arrived at a port, without waiting for the
 * event loop. It throws where the message cannot be read.
 */
export function receiver(port: MessagePort): () => { readonly message: unknown } | undefined {
  const { receiveMessageOnPort } = library();
  return () => receiveMessageOnPort(port);
}

/** What a worker thread was started with; undefined on the main thread. */
export function startData(): Record<string, unknown> | undefined {
  const { isMainThread, workerData } = library();
  return isMainThread || typeof workerData !== 'object' || workerData === null
    ? undefined
    : workerData;
}

/** Has code that is loaded from now on see another `workerData`. */
export function replaceStartData(data: unknown): void {
  (library() as { workerData: unknown }).workerData = data;
  builtin('node:module', 'a pool on threads').syncBuiltinESMExports();
}

/** Closes the port to the code that started this thread: nobody listens there. */
export function closeParentPort(): void {
  library().parentPort?.close();
}

/** Has the modules that a thread loads compiled once for all threads, on disk, where that works. */
export function cacheCompiledModules(): void {
  builtin('node:module', 'a pool on threads').enableCompileCache?.();
}

/** How many ports of this thread are open. */
function openPorts(resources: readonly string[]): number {
  return resources.filter((it) => it === 'MessagePort').length;
}

/** Tells whether timers, I/O or ports are open that were not when it was made. */
export class OpenResources {
  readonly #ports = openPorts(process.getActiveResourcesInfo());

  /** Whether the event loop has to turn, for there is something that it waits for. */
  get any(): boolean {
    const resources = process.getActiveResourcesInfo();
    return resources.length > this.#ports || openPorts(resources) !== resources.length;
  }
}

/**
 * Has each chunk that is written to standard output or error given to `write` at once. As Node.js has
 * it, a thread's output waits for the main thread's consent, and is lost where the thread ends first.
 */
export function interceptOutput(write: (descriptor: 1 | 2, bytes: Uint8Array) => void): void {
  for (const [descriptor, stream] of [
    [1, process.stdout],
    [2, process.stderr],
  ] as const) {
    const intercepted = stream as NodeJS.WriteStream & {
      _writev?: (chunks: Chunk[], done: () => void) => void;
    };
    intercepted._writev = (chunks, done) => {
      for (const { chunk, encoding } of chunks) write(descriptor, bytesOf(chunk, encoding));
      done();
    };
  }
}

interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

function bytesOf(chunk: string | Uint8Array, encoding: BufferEncoding): Uint8Array {
  // A copy of its own: a Buffer may be a part of a larger one.
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
  return new Uint8Array(bytes);
}

/** Writes bytes to the standard output (1) or error (2) of the process. */
export function writeToProcess(descriptor: 1 | 2, bytes: Uint8Array): void {
  (descriptor === 1 ? process.stdout : process.stderr).write(bytes);
}

/** Runs a function in a turn of the event loop of its own. */
export function inNextTurn(fn: () => void): void {
  setImmediate(fn);
}
