import { WasmError } from '../../errors.js';
import { makeCall } from '../host/call.js';
import type { PooledWorker } from '../host/pooled-worker.js';
import type { ArgumentsOf, ResultOf, RunOptions, WasmWorker } from './wasm-worker.js';

/** Makes one of the calls that there are. */
export type CallByName = (
  name: string,
  args: readonly unknown[],
  options?: RunOptions,
) => Promise<unknown>;

/** The methods of those names. */
export function methods<Calls>(names: Iterable<string>, call: CallByName): Calls {
  const all: Record<string, (...args: unknown[]) => Promise<unknown>> = Object.create(null);
  for (const name of names) all[name] = (...args) => call(name, args);
  return Object.freeze(all) as Calls;
}

/** One loan of a worker: whatever is kept of it calls nothing once the loan has ended. */
export class LentWorker<Calls> implements WasmWorker<Calls> {
  readonly worker: PooledWorker;
  readonly run: Calls;
  ended = false;
  readonly #names: ReadonlySet<string>;
  readonly #callTimeoutMillis: number;
  readonly #context: unknown;

  constructor(
    worker: PooledWorker,
    names: ReadonlySet<string>,
    callTimeoutMillis: number,
    context: unknown,
  ) {
    this.worker = worker;
    this.#names = names;
    this.#callTimeoutMillis = callTimeoutMillis;
    this.#context = context;
    this.run = methods(names, (name, args) => this.#call(name, args, {}));
  }

  get id(): number {
    return this.worker.id;
  }

  get name(): string {
    return this.worker.name;
  }

  get threadId(): number {
    return this.worker.threadId;
  }

  get memoryBytes(): number {
    return this.worker.memoryBytes;
  }

  call<Name extends keyof Calls & string>(
    name: Name,
    args: ArgumentsOf<Calls[Name]>,
    options: RunOptions = {},
  ): ResultOf<Calls[Name]> {
    return this.#call(name, args, options) as ResultOf<Calls[Name]>;
  }

  #call(name: string, args: readonly unknown[], options: RunOptions): Promise<unknown> {
    try {
      const { callTimeoutMillis = this.#callTimeoutMillis, signal } = options;
      const settings = { callTimeoutMillis, signal, context: this.#context };
      const call = makeCall(this.#names, name, args, settings);
      if (this.ended) {
        const message = `${this.name} is not on loan: ${name} was called after the worker was returned`;
        throw new WasmError('ERR_WASM_NOT_LENT', message);
      }
      this.worker.runForBorrower(call);
      return call.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
