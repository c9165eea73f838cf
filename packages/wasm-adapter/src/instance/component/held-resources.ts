import {
  isJcoFuture,
  isJcoStream,
  isPlain,
  type JcoFuture,
  type JcoStream,
} from '../../component/jco-code.js';
import type { CallState } from '../guard.js';

interface Resource {
  [Symbol.dispose]?(): void;
}

type Callback = (value: unknown) => unknown;
type Then = (resolve: Callback, reject?: Callback) => unknown;

/**
 * The resources of a component (WIT `resource` handles) that its borrower holds: what it got from an
 * export or constructed, and neither disposed nor gave back to the component.
 *
 * jco's code has a FinalizationRegistry for each type of resource, to run the component's destructor
 * once a handle is garbage. It says there which handles leave the component and which come back, and
 * nowhere else. This stands in for it, and runs no destructor: a collection can come at any time, when
 * somebody else has the instance, or while a call of it is suspended.
 */
export class HeldResources {
  readonly #calls: CallState;
  readonly #gone = new WeakSet<object>();
  readonly #unguarded: Resource[] = [];
  readonly #streams = new Set<JcoStream>();
  readonly #dropped: () => AbortSignal;

  /** @param dropped gives the signal that the instance is dropped by */
  constructor(calls: CallState, dropped: () => AbortSignal) {
    this.#calls = calls;
    this.#dropped = dropped;
  }

  /** What jco's code is to have in place of FinalizationRegistry: the registries of one instance. */
  get registry(): typeof FinalizationRegistry {
    const register = (resource: object) => {
      this.#calls.held.add(resource);
      this.#unguarded.push(resource);
    };
    const unregister = (resource: object) => {
      this.#gone.add(resource);
      return this.#calls.held.delete(resource);
    };
    return class StandIn {
      readonly [Symbol.toStringTag] = 'FinalizationRegistry';
      readonly register = register;
      readonly unregister = unregister;
    };
  }

  /**
   * Runs `instantiate` of jco's code up to its first await, by when it has made its registries. For
   * code that takes them from the global object: a component that was transpiled ahead.
   */
  watch<R>(instantiate: () => R): R {
    const { FinalizationRegistry: original } = globalThis;
    globalThis.FinalizationRegistry = this.registry;
    try {
      return instantiate();
    } finally {
      globalThis.FinalizationRegistry = original;
    }
  }

  /** Whether a resource was disposed or given away. */
  isDisposedOrMoved(resource: object): boolean {
    return this.#gone.has(resource);
  }

  /**
   * Guards the disposal of the resources that a call has given out. It does nothing for one that is
   * gone: `using` remembers what to call from when it was not yet.
   */
  guardDisposal(guard: (dispose: () => void) => () => void): void {
    for (const resource of this.#unguarded.splice(0)) {
      const dispose = resource[Symbol.dispose];
      if (dispose === undefined) continue;
      const guarded = guard(dispose.bind(resource));
      resource[Symbol.dispose] = () => {
        if (!this.isDisposedOrMoved(resource)) guarded();
      };
    }
  }

  /**
   * Notes the streams and futures in what came out of the component: until each is read to its end, or
   * disposed, the component is at work on it. Streams of an instance that is dropped are disposed: jco
   * would wait for their readers for ever. Futures cannot be: they are not read any more.
   */
  noteOpen(value: unknown): void {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
    if (isJcoStream(value)) this.#noteStream(value);
    else if (isJcoFuture(value)) this.#noteFuture(value);
    else if (isPlain(value)) for (const it of Object.values(value)) this.noteOpen(it);
  }

  #noteStream(stream: JcoStream): void {
    const { read, [Symbol.dispose]: dispose } = stream;
    const end = () => {
      this.#streams.delete(stream);
      this.#calls.held.delete(stream);
    };
    stream.read = async (options) => {
      const chunk = await read.call(stream, options);
      if (chunk.done === true) end();
      else this.noteOpen(chunk.value);
      return chunk;
    };
    stream[Symbol.dispose] = () => {
      end();
      dispose.call(stream);
    };
    if (this.#streams.size === 0) {
      const disposeAll = () => {
        for (const it of this.#streams) it[Symbol.dispose]();
      };
      this.#dropped().addEventListener('abort', disposeAll, { once: true });
    }
    this.#streams.add(stream);
    this.#calls.held.add(stream);
  }

  #noteFuture(future: JcoFuture): void {
    const prototype: object = Object.getPrototypeOf(future);
    let settled = false;
    const guarded = (then: Then) => (resolve?: Callback, reject?: Callback) => {
      if (!settled && !this.#calls.callable) {
        return Promise.reject(this.#calls.notCallable()).then(resolve, reject);
      }
      return then((value) => {
        settled = true;
        this.#calls.held.delete(future);
        this.noteOpen(value);
        return resolve ? resolve(value) : value;
      }, reject);
    };
    Object.defineProperty(future, 'then', {
      get() {
        const then: Then | undefined = Reflect.get(prototype, 'then', future);
        return then && guarded(then);
      },
    });
    this.#calls.held.add(future);
  }
}
