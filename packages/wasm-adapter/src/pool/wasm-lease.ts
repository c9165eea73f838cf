import type { Lease } from '@wasm-pool/core';
import type { CallState } from '../instance/guard.js';
import type { WasmImports } from '../instance/link.js';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';

/**
 * A lease whose `value` stands for that one loan: whatever was kept of it, its exports too, throws a
 * `WasmError` `ERR_WASM_NOT_LENT` once the lease has ended, also when somebody else has the instance
 * by then. The lease's own members go on throwing core's `NotBorrowedError`.
 */
export class WasmLease<Exports, Context> implements Lease<WasmInstance<Exports, Context>> {
  readonly #lease: Lease<PooledInstance<Exports, Context>>;
  readonly #view: LeasedInstance<Exports, Context>;

  constructor(lease: Lease<PooledInstance<Exports, Context>>) {
    this.#lease = lease;
    this.#view = new LeasedInstance(lease);
  }

  get value(): WasmInstance<Exports, Context> {
    void this.#lease.value;
    return this.#view;
  }

  release(): Promise<void> {
    this.#view.forget();
    return this.#lease.release();
  }

  destroy(): Promise<void> {
    this.#view.forget();
    return this.#lease.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#view.forget();
    return this.#lease[Symbol.asyncDispose]();
  }
}

/** An instance seen through its lease, which is asked each time. */
class LeasedInstance<Exports, Context> implements WasmInstance<Exports, Context> {
  readonly #lease: Lease<PooledInstance<Exports, Context>>;
  readonly #calls: CallState;
  #exports: Exports | undefined = undefined;

  constructor(lease: Lease<PooledInstance<Exports, Context>>) {
    this.#lease = lease;
    this.#calls = lease.value.calls;
  }

  /** Lets go of the exports, so that holding on to a lease that has ended holds on to no memory. */
  forget(): void {
    this.#exports = undefined;
  }

  get #instance(): PooledInstance<Exports, Context> {
    try {
      return this.#lease.value;
    } catch {
      throw this.#calls.notCallable();
    }
  }

  get id(): number {
    return this.#instance.id;
  }

  get name(): string {
    return this.#instance.name;
  }

  get exports(): Exports {
    const { exports } = this.#instance;
    const check = () => void this.#instance;
    this.#exports ??= isObject(exports)
      ? leasedExports(exports, check)
      : leased(exports, undefined, check);
    return this.#exports;
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#instance.memory;
  }

  get memoryBytes(): number {
    return this.#instance.memoryBytes;
  }

  get context(): Context | undefined {
    return this.#instance.context;
  }

  link(imports: WasmImports): WebAssembly.Instance {
    return this.#instance.link(imports);
  }
}

/**
 * What stands for a value among exports: of functions, and of an instance's own exports within those
 * of a loader, one that asks the lease first. Others, memories and tables too, are what they are.
 */
function leased<V>(value: V, owner: unknown, check: () => void): V {
  if (typeof value === 'function') return leasedFunction(value, owner, check);
  return isObject(value) && isExports(value) ? leasedExports(value, check) : value;
}

function isObject<V>(value: V): value is V & object {
  return typeof value === 'object' && value !== null;
}

/** Exports as V8 and the pool make them have no prototype. */
function isExports(value: object): boolean {
  return Object.getPrototypeOf(value) === null || value instanceof WebAssembly.Instance;
}

/** A function, or a class of a loader: with `new`, and methods of its own. */
function leasedFunction<F extends object>(fn: F, owner: unknown, check: () => void): F {
  return new Proxy(fn, {
    apply(target, _, args) {
      check();
      return Reflect.apply(target as () => unknown, owner, args);
    },
    construct(target, args) {
      check();
      return Reflect.construct(target as new () => object, args);
    },
    get(target, name) {
      check();
      return leased(Reflect.get(target, name), target, check);
    },
  });
}

function leasedExports<E extends object>(exports: E, check: () => void): E {
  // Of a target of its own: a proxy has to tell the truth about the properties of a frozen one.
  return new Proxy(Object.create(Object.getPrototypeOf(exports)), {
    get(_, name) {
      check();
      return leased(Reflect.get(exports, name), exports, check);
    },
    set(_, name, value) {
      check();
      return Reflect.set(exports, name, value);
    },
    has: (_, name) => Reflect.has(exports, name),
    ownKeys: () => Reflect.ownKeys(exports),
    getOwnPropertyDescriptor(_, name) {
      check();
      const found = Reflect.getOwnPropertyDescriptor(exports, name);
      if (found === undefined) return undefined;
      const value = leased<unknown>(Reflect.get(exports, name), exports, check);
      return { value, writable: true, enumerable: found.enumerable === true, configurable: true };
    },
  });
}
