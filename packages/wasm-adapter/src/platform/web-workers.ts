// Threads where there is no node:worker_threads: Web Workers. They differ in three things that pools
// see. What a thread is started with is the first message that it gets. Nobody is told that one has
// ended. And an error that nobody catches ends none: threads tell of theirs, as they do of `close()`.

/** A Web Worker, as far as pools use it. */
export interface WebWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  terminate(): void;
}

/** What the thread of a pool is started with. */
export interface WebStart {
  readonly name?: string | undefined;
  readonly workerData?: unknown;
  readonly transferList?: readonly unknown[] | undefined;
}

let lastThread = 0;

type Listener = (value: never) => void;

/** A Web Worker with what pools use of node:worker_threads. */
export class WebThread {
  threadId: number = ++lastThread;
  readonly #worker: WebWorker;
  readonly #listeners = new Map<string, Listener>();

  constructor(worker: WebWorker, { workerData, transferList = [] }: WebStart) {
    this.#worker = worker;
    worker.addEventListener('error', (event) => this.#fail(event));
    const start: StartMessage = { wasmPoolThread: this.threadId, workerData };
    worker.postMessage(start, [...transferList] as Transferable[]);
  }

  on(event: 'error' | 'exit', listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  #emit(event: 'error' | 'exit', value: unknown): void {
    this.#listeners.get(event)?.(value as never);
  }

  /** Its file could not be loaded, or it threw before it could tell of its errors. */
  #fail({ error, message }: Partial<ErrorEvent>): void {
    const text =
      message ||
      'its file could not be loaded: the server has none, as where a bundler left it out, or the page forbids it; accepted: the option worker, which starts a file of your own that calls serveTasks. See docs/bundlers.md';
    this.#emit('error', error ?? new Error(text));
    void this.terminate();
  }

  terminate(): Promise<number> {
    this.#worker.terminate();
    // Later, as others have it: the caller may have more to do before.
    return Promise.resolve().then(() => {
      this.#emit('exit', 1);
      this.#listeners.clear();
      return 1;
    });
  }

  ref(): void {}
  unref(): void {}
}

interface StartMessage {
  readonly wasmPoolThread: number;
  readonly workerData: unknown;
}

let number = 0;

/** The number of this thread among those of its page, from 1; the main thread has 0. */
export function webThreadNumber(): number {
  return number;
}

/** Whether this is a worker, rather than a page. */
export const isWebWorker: boolean = 'WorkerGlobalScope' in globalThis;

/** Calls `listener` with what this Web Worker is started with; undefined where that is no pool's message. */
export function onWebStart(listener: (data: Record<string, unknown> | undefined) => void): void {
  globalThis.addEventListener(
    'message',
    ({ data }: MessageEvent<Partial<StartMessage> | undefined>) => {
      const { wasmPoolThread, workerData } = data ?? {};
      number = wasmPoolThread ?? 0;
      const given = typeof workerData === 'object' && workerData !== null;
      listener(wasmPoolThread !== undefined && given ? { ...workerData } : undefined);
    },
    { once: true },
  );
}

/** Has errors that nobody catches given to `tell`, and `undefined` where the thread closes itself. */
export function onWebEnd(tell: (error: unknown, closed: boolean) => void): void {
  const scope = globalThis as typeof globalThis & { close(): void };
  scope.addEventListener('error', (event) => {
    event.preventDefault();
    tell(event.error ?? new Error(event.message), false);
  });
  scope.addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    tell(event.reason, false);
  });
  const close = scope.close.bind(scope);
  scope.close = () => {
    tell(undefined, true);
    close();
  };
}

const methods = { log: 1, info: 1, debug: 1, warn: 2, error: 2 } as const;

/** Has each line that is written to the console given to `write` as well. */
export function interceptConsole(write: (descriptor: 1 | 2, bytes: Uint8Array) => void): void {
  const encoder = new TextEncoder();
  for (const [name, descriptor] of Object.entries(methods) as [keyof typeof methods, 1 | 2][]) {
    console[name] = (...values: unknown[]) => {
      write(descriptor, encoder.encode(`${values.map(shown).join(' ')}\n`));
    };
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return value.stack ?? String(value);
  try {
    return typeof value === 'object' ? (JSON.stringify(value) ?? String(value)) : String(value);
  } catch {
    return Object.prototype.toString.call(value); // a circle, or a BigInt in it
  }
}

const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
const begun = { 1: '', 2: '' };

/** Writes bytes to the console, line by line: what is behind the last line waits for its end. */
export function writeToConsole(descriptor: 1 | 2, bytes: Uint8Array): void {
  const lines = (begun[descriptor] + decoders[descriptor].decode(bytes, { stream: true })).split(
    '\n',
  );
  begun[descriptor] = lines.pop() ?? '';
  for (const line of lines) (descriptor === 1 ? console.log : console.error)(line);
}
