import { GLOBALS } from '../../component/jco-code.js';
import type { CallState } from '../guard.js';
import { promising } from '../jspi.js';
import type { PendingCalls } from './pending-calls.js';

/** How long an instance that was dropped may go on, to answer the calls that are under way. */
const GRACE_MILLIS = 1000;

/** The imports of one instance, with its globals among them. */
export function importsWithGlobals(imports: object, globals: OwnGlobals): object {
  return Object.create(imports, { [GLOBALS]: { value: globals } });
}

/**
 * What jco's code of one instance has in place of globals, so that the pool sees what nobody tells it.
 *
 * Its tasks: an export's promise settles when its task answers, which may go on, and trap; jco's code
 * calls the component's code through `WebAssembly.promising`, and tells nobody.
 *
 * Its timers: jco's code looks every 1 or 10 ms at what it waits for, for ever where that never comes. Of
 * an instance that was dropped they keep no process alive, and end after a second.
 */
export class OwnGlobals {
  readonly WebAssembly: typeof WebAssembly;

  readonly FinalizationRegistry: typeof FinalizationRegistry;

  readonly #calls: CallState;
  readonly #names = new Map<unknown, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #pending: PendingCalls;
  #state: 'alive' | 'dropped' | 'ended' = 'alive';

  /**
   * @param registry what registers the handles that leave the component
   * @param pending is rejected where nothing can answer its calls any more
   */
  constructor(
    calls: CallState,
    dropped: AbortSignal,
    registry: typeof FinalizationRegistry,
    pending: PendingCalls,
  ) {
    this.#calls = calls;
    this.#pending = pending;
    this.FinalizationRegistry = registry;
    const value = (fn: never) => this.#promising(fn);
    this.WebAssembly = Object.create(WebAssembly, { promising: { value } });
    dropped.addEventListener('abort', () => this.#drop(), { once: true });
  }

  readonly setTimeout = (fn: (...args: unknown[]) => void, millis?: number, ...args: unknown[]) => {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      fn(...args);
    }, millis);
    return this.#note(timer);
  };

  readonly setInterval = (
    fn: (...args: unknown[]) => void,
    millis?: number,
    ...args: unknown[]
  ) => {
    return this.#note(setInterval(fn, millis, ...args));
  };

  readonly clearTimeout = (timer: NodeJS.Timeout | undefined) => {
    if (timer !== undefined) this.#timers.delete(timer);
    clearTimeout(timer);
  };

  readonly clearInterval = this.clearTimeout;

  /**
   * Is called by jco's code when an import has failed. The call that led there ends with that, one way
   * or the other: what jco makes of it comes first, and takes a few microtasks.
   */
  readonly importFailed = (error: unknown) => {
    this.#calls.poison(error);
    setTimeout(() => this.#pending.rejectAll(error));
  };

  /** How many timers there are. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Tells by which names jco's code has the exports of a core instance. */
  noteExports(exports: WebAssembly.Exports): void {
    for (const [name, value] of Object.entries(exports)) this.#names.set(value, name);
  }

  #note(timer: NodeJS.Timeout): NodeJS.Timeout {
    if (this.#state === 'ended') clearTimeout(timer);
    else this.#timers.add(timer);
    return this.#state === 'alive' ? timer : timer.unref();
  }

  #drop(): void {
    this.#state = 'dropped';
    for (const timer of this.#timers) timer.unref();
    setTimeout(() => this.#end(), GRACE_MILLIS).unref();
  }

  #end(): void {
    this.#state = 'ended';
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#pending.rejectAll(this.#calls.notCallable());
  }

  /**
   * A task begins where the component's function is called. One that has a callback ends when that, or
   * the function itself, returns 0; any other when it returns: Component Model, CanonicalABI.md,
   * "canon lift". wit-component gives core exports these names.
   */
  #promising(fn: (...args: unknown[]) => unknown): (...args: unknown[]) => Promise<unknown> {
    const { tasks } = this.#calls;
    const call = promising(fn);
    const name = this.#names.get(fn) ?? '';
    const isCallback = name.startsWith('[callback]');
    const hasCallback = isCallback || [...this.#names.values()].includes(`[callback]${name}`);
    return (...args) => {
      if (!isCallback) tasks.begin();
      const result = call(...args);
      result.then(
        (code) => {
          if (!hasCallback || code === 0) tasks.end();
        },
        (error: unknown) => {
          this.#calls.poison(error);
          tasks.fail();
        },
      );
      return result;
    };
  }
}
