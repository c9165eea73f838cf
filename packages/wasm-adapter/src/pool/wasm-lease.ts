import type { WasmImports } from '../instance/link.js';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';

/**
 * An instance seen through its lease: whatever was kept of it, its exports too, throws a `WasmError`
 * `ERR_WASM_NOT_LENT` once the lease has ended, even after the instance was lent to someone else.
 */
export class LeasedInstance<Exports, Context> implements WasmInstance<Exports, Context> {
  readonly #lease: { readonly value: WasmInstance<Exports, Context> };
  readonly #pooled: PooledInstance<Exports, Context>;
  /** Weak: to keep a lease that has ended is to keep no memory. */
  #exports: WeakRef<Exports & object> | undefined = undefined;

  constructor(
    instance: PooledInstance<Exports, Context>,
    lease: { readonly value: WasmInstance<Exports, Context> },
  ) {
    this.#pooled = instance;
    this.#lease = lease;
  }

  /** Asks the lease each time. */
  get #instance(): PooledInstance<Exports, Context> {
    try {
      void this.#lease.value;
    } catch {
      throw this.#pooled.calls.notCallable();
    }
    return this.#pooled;
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
    if (!isObject(exports)) return leased(exports, undefined, check);
    const kept = this.#exports?.deref();
    if (kept !== undefined) return kept;
    const view = leasedExports(exports, check);
    this.#exports = new WeakRef(view);
    return view;
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
