import { GLOBALS } from '../../component/jco-code.js';
import type { CallState } from '../guard.js';
import { promising } from '../jspi.js';

/** How long the timers of an instance that was dropped may still be needed to tell who waits. */
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
 * Its timers: jco's code looks every 10 ms at what it waits for, for ever where that never comes. Of an
 * instance that was dropped they keep no process alive, and end once no call of it is under way.
 */
export class OwnGlobals {
  readonly WebAssembly: typeof WebAssembly;

  readonly #calls: CallState;
  readonly #names = new Map<unknown, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #droppedMillis = Number.POSITIVE_INFINITY;

  constructor(calls: CallState, dropped: AbortSignal) {
    this.#calls = calls;
    const value = (fn: never) => this.#promising(fn);
    this.WebAssembly = Object.create(WebAssembly, { promising: { value } });
    dropped.addEventListener('abort', () => this.#drop(), { once: true });
  }

  readonly setTimeout = (fn: (...args: unknown[]) => void, millis?: number, ...args: unknown[]) => {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#sweepTimers()) fn(...args);
    }, millis);
    return this.#note(timer);
  };

  readonly setInterval = (
    fn: (...args: unknown[]) => void,
    millis?: number,
    ...args: unknown[]
  ) => {
    const timer = setInterval(() => {
      if (!this.#sweepTimers()) fn(...args);
    }, millis);
    return this.#note(timer);
  };

  readonly clearTimeout = (timer: NodeJS.Timeout | undefined) => {
    if (timer !== undefined) this.#timers.delete(timer);
    clearTimeout(timer);
  };

  readonly clearInterval = this.clearTimeout;

  /** How many timers there are. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Tells by which names jco's code has the exports of a core instance. */
  noteExports(exports: WebAssembly.Exports): void {
    for (const [name, value] of Object.entries(exports)) this.#names.set(value, name);
  }

  #note(timer: NodeJS.Timeout): NodeJS.Timeout {
    this.#timers.add(timer);
    if (this.#droppedMillis < Number.POSITIVE_INFINITY) timer.unref();
    return timer;
  }

  #drop(): void {
    this.#droppedMillis = performance.now();
    for (const timer of this.#timers) timer.unref();
  }

  /** Ends the timers where nobody can wait for what they do any more. */
  #sweepTimers(): boolean {
    const droppedFor = performance.now() - this.#droppedMillis;
    if (droppedFor < GRACE_MILLIS || this.#calls.inFlight > 0) return false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    return true;
  }

  /**
   * A task begins where the component's function is called. One that has a callback ends when that, or
   * the function itself, returns 0; any other when it returns: Component Model, CanonicalABI.md,
   * "canon lift". The names are those that wit-component gives core exports.
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
        () => {
          this.#calls.poisoned = true;
          tasks.fail();
        },
      );
      return result;
    };
  }
}
