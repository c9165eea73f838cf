import type {
  MessagePort as NodePort,
  WorkerOptions as NodeWorkerOptions,
  ResourceLimits,
  Transferable,
} from 'node:worker_threads';
import { WasmError } from '../errors.js';
import { builtin, builtinIfAny, isWorkerd } from './builtin.js';
import { ownFile } from './own-file.js';
import { deniedFor } from './permission.js';
import { sharesMemory } from './shared-memory.js';
import {
  interceptConsole,
  isWebWorker,
  onWebEnd,
  onWebStart,
  WebThread,
  type WebWorker,
  webThreadNumber,
  writeToConsole,
} from './web-workers.js';

export type { ResourceLimits, Transferable };

/** What a thread is started with: options of node:worker_threads, and of Web Workers. */
export interface WorkerOptions extends NodeWorkerOptions {
  readonly type?: 'module' | undefined;
}

/** A worker thread, as far as pools use it. */
export interface Worker {
  readonly threadId: number;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<number>;
  ref(): void;
  unref(): void;
}

/** Starts a worker thread with the options that are given: of node:worker_threads, or a Web Worker. */
export type Spawn = (options: WorkerOptions) => Worker | WebWorker;

/** A port, as far as pools use it. */
export interface MessagePort {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  close(): void;
}

/** Of workerd, which has the module without its threads, nothing. */
const nodeThreads = isWorkerd ? undefined : builtinIfAny('node:worker_threads');

const library = () => builtin('node:worker_threads', 'a pool on threads');

/** Whether a thread that must not block can wait for a word of shared memory. */
export const waitsInMemory: boolean = sharesMemory && typeof Atomics.waitAsync === 'function';

/** Whether a message can be received that is there, without waiting for the event loop. */
export const receivesAtOnce: boolean = nodeThreads !== undefined;

/** Starts the thread of a pool. Throws as `Worker` does, and a `WasmError` where there are no threads. */
export function startThread(options: WorkerOptions): Worker | WebWorker {
  if (nodeThreads !== undefined) return startNodeThread(nodeThreads, options);
  if (typeof globalThis.Worker !== 'function') {
    const message =
      'a pool on threads needs node:worker_threads or Web Workers, which this platform lacks; accepted: createWasmPool, whose instances are on this thread';
    throw new WasmError('ERR_WASM_PLATFORM', message);
  }
  return new globalThis.Worker(threadFile(), { type: 'module' });
}

function startNodeThread({ Worker }: NonNullable<typeof nodeThreads>, options: WorkerOptions) {
  try {
    return new Worker(threadFile(), options);
  } catch (cause) {
    const flag = deniedFor(cause);
    if (flag === undefined) throw cause;
    const message = `a pool on threads may start none, for Node.js runs with --permission; start it with ${flag}`;
    throw new WasmError('ERR_WASM_PLATFORM', message, { cause });
  }
}

/** Starts a thread by `spawn`, on any platform. */
export function spawnThread(spawn: Spawn, options: WorkerOptions): Worker {
  const worker = spawn({ ...options, type: 'module' });
  return 'on' in worker ? worker : new WebThread(worker, options);
}

/** What runs on a thread. From `src`, where the tests are run, it is the built one too. */
const threadFile = () =>
  ownFile(
    (at) => at(new URL('../../dist/thread.mjs', import.meta.url)),
    'a pool on threads',
    'the option worker, which starts a file of your own that calls serveTasks',
  );

/** How many threads run at the same time, unless a pool is told otherwise. */
export function parallelism(): number {
  const os = builtinIfAny('node:os');
  return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** The number of this thread, from 1; the main thread has 0. */
export function threadNumber(): number {
  return nodeThreads === undefined ? webThreadNumber() : nodeThreads.threadId;
}

/** Two ports that are connected. */
export function openChannel(): { readonly port1: MessagePort; readonly port2: MessagePort } {
  const Channel = nodeThreads?.MessageChannel ?? globalThis.MessageChannel;
  const { port1, port2 } = new Channel();
  return { port1, port2 } as { port1: MessagePort; port2: MessagePort };
}

/** Has messages of a port given to `receive`, and what could not be read to `fail`. */
export function listenTo(
  port: MessagePort,
  receive: (message: unknown) => void,
  fail: (cause: unknown) => void,
): void {
  if (nodeThreads !== undefined) {
    (port as NodePort).on('message', receive).on('messageerror', fail);
    return;
  }
  const web = port as globalThis.MessagePort;
  web.onmessage = ({ data }) => receive(data);
  web.onmessageerror = () => fail(new Error('a message could not be read'));
}

/** Has a port that is listened to not keep the process alive. */
export function letGoOf(port: MessagePort): void {
  if ('unref' in port) (port as NodePort).unref();
}

/** Has it keep the process alive again. */
export function holdOn(port: MessagePort): void {
  if ('ref' in port) (port as NodePort).ref();
}

/**
 * Gives a function that takes the next message that has arrived at a port, without waiting for the
 * event loop: never one where the platform cannot. It throws where the message cannot be read.
 */
export function receiver(port: MessagePort): () => { readonly message: unknown } | undefined {
  if (nodeThreads === undefined) return () => undefined;
  const { receiveMessageOnPort } = nodeThreads;
  return () => receiveMessageOnPort(port as NodePort);
}

/**
 * Calls `listener` with what this thread was started with; with undefined on the main thread. A Web
 * Worker is told by its first message.
 */
export function onStart(listener: (data: Record<string, unknown> | undefined) => void): void {
  if (nodeThreads === undefined && isWebWorker) onWebStart(listener);
  else listener(startData());
}

function startData(): Record<string, unknown> | undefined {
  const { isMainThread = true, workerData } = nodeThreads ?? {};
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
  nodeThreads?.parentPort?.close?.(); // Deno's has no such method
}

/** Has the modules that a thread loads compiled once for all threads, on disk, where that works. */
export function cacheCompiledModules(): void {
  builtinIfAny('node:module')?.enableCompileCache?.();
}

/**
 * Has `tell` called with what this thread throws and nobody catches, and where it closes itself: for
 * Web Workers, whose owners are not told. Threads of Node.js end by themselves then.
 */
export function onThreadEnd(tell: (error: unknown, closed: boolean) => void): void {
  if (nodeThreads === undefined && isWebWorker) onWebEnd(tell);
}

const activeResources = (): readonly string[] =>
  globalThis.process?.getActiveResourcesInfo?.() ?? [];

/** How many ports of this thread are open. */
function openPorts(resources: readonly string[]): number {
  return resources.filter((it) => it === 'MessagePort').length;
}

/** Tells whether timers, I/O or ports are open that were not when it was made. */
export class OpenResources {
  readonly #ports = openPorts(activeResources());

  /**
   * Whether the event loop has to turn, for there is something that it waits for. True where nobody
   * knows: the pool's own port would be among them.
   */
  get any(): boolean {
    if (this.#ports === 0) return true;
    const resources = activeResources();
    return resources.length > this.#ports || openPorts(resources) !== resources.length;
  }
}

/**
 * Has each chunk that is written to standard output or error given to `write` at once. As Node.js has
 * it, a thread's output waits for the main thread's consent, and is lost where the thread ends first.
 */
export function interceptOutput(write: (descriptor: 1 | 2, bytes: Uint8Array) => void): void {
  // Deno's console does not write to `process.stdout`.
  if (nodeThreads === undefined || 'Deno' in globalThis) interceptConsole(write);
  if (nodeThreads === undefined) return;
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
  const stream = descriptor === 1 ? globalThis.process?.stdout : globalThis.process?.stderr;
  if (stream === undefined) writeToConsole(descriptor, bytes);
  else stream.write(bytes);
}
