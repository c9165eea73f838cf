import type {
  QuickJSContext,
  QuickJSDeferredPromise,
  QuickJSHandle,
} from 'quickjs-emscripten-core';

const MOST = 1_000;

/** The `sleep(millis)` of one script: promises of its context that the host resolves in time. */
export class Sleepers {
  readonly #context: QuickJSContext;
  readonly #wake: () => void;
  readonly #asleep = new Map<QuickJSDeferredPromise, NodeJS.Timeout>();
  readonly #due: QuickJSDeferredPromise[] = [];

  /** Calls `fill` when there is something to resolve. */
  constructor(context: QuickJSContext, wake: () => void) {
    this.#context = context;
    this.#wake = wake;
  }

  get size(): number {
    return this.#asleep.size + this.#due.length;
  }

  get isDue(): boolean {
    return this.#due.length > 0;
  }

  /** A promise that is resolved by `resolveDue`, once the time is over. */
  sleep(millis: number): QuickJSHandle {
    if (this.size >= MOST) throw new RangeError(`more than ${MOST} sleeps at once`);
    const deferred = this.#context.newPromise();
    // The timer's limit; the script's deadline is sooner, and NaN is no time at all.
    const delay = Math.min(Math.max(millis || 0, 0), 2 ** 31 - 1);
    const timer = setTimeout(() => this.#end(deferred), delay);
    this.#asleep.set(deferred, timer);
    return deferred.handle;
  }

  #end(deferred: QuickJSDeferredPromise): void {
    this.#asleep.delete(deferred);
    this.#due.push(deferred);
    this.#wake();
  }

  /** Enters the engine: the promises of those whose time is over. */
  resolveDue(): void {
    for (const deferred of this.#due.splice(0)) deferred.resolve();
  }

  stop(): void {
    for (const timer of this.#asleep.values()) clearTimeout(timer);
  }

  /** Enters the engine: lets go of all promises. */
  dispose(): void {
    for (const deferred of [...this.#asleep.keys(), ...this.#due]) deferred.dispose();
  }
}
