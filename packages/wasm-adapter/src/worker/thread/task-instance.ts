import type { WasmInstance } from '../../instance/wasm-instance.js';
import type { HostFunctions } from '../wire/messages.js';

/**
 * The instance that a task is given on its thread.
 *
 * @typeParam Hosts the type of the pool's `hosts`
 */
export interface TaskInstance<
  Exports = WebAssembly.Exports,
  Context = unknown,
  Hosts extends HostFunctions = Readonly<Record<string, (...args: unknown[]) => unknown>>,
> extends WasmInstance<Exports, Context> {
  /**
   * Aborted when the call's own signal is, or when it has run for longer than `callTimeoutMillis`. A
   * task that looks at it has `abortGraceMillis` to stop; any other is ended with its thread. Its
   * `aborted` is right even in a loop that never returns to the event loop.
   */
  readonly signal: AbortSignal;

  /** The pool's `hosts`. Each call blocks the thread until the main thread has answered. */
  readonly hosts: {
    readonly [Name in keyof Hosts]: (
      ...args: Parameters<Hosts[Name]>
    ) => Awaited<ReturnType<Hosts[Name]>>;
  };

  /** The pool's `hosts`. Each call gives a promise. */
  readonly hostsLater: {
    readonly [Name in keyof Hosts]: (
      ...args: Parameters<Hosts[Name]>
    ) => Promise<Awaited<ReturnType<Hosts[Name]>>>;
  };
}
