import type { CallState } from '../guard.js';

interface Resource {
  [Symbol.dispose]?(): void;
}

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

  constructor(calls: CallState) {
    this.#calls = calls;
  }

  /** Runs `instantiate` of jco's code up to its first await, by when it has made its registries. */
  watch<R>(instantiate: () => R): R {
    const { FinalizationRegistry: original } = globalThis;
    const register = (resource: Resource) => {
      this.#calls.held.add(resource);
      this.#unguarded.push(resource);
    };
    const unregister = (resource: object) => {
      this.#gone.add(resource);
      return this.#calls.held.delete(resource);
    };
    class StandIn {
      readonly register = register;
      readonly unregister = unregister;
    }
    Object.assign(globalThis, { FinalizationRegistry: StandIn });
    try {
      return instantiate();
    } finally {
      globalThis.FinalizationRegistry = original;
    }
  }

  /** Whether a resource was disposed or given away. */
  isGone(resource: object): boolean {
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
        if (!this.isGone(resource)) guarded();
      };
    }
  }
}
