import type { Lease } from '@wasm-pool/core';
import type { WasmImports } from './link.js';
import type { PooledInstance } from './pooled-instance.js';
import type { WasmInstance } from './wasm-instance.js';

/**
 * A lease whose `value` stands for that one loan: whatever was kept of it, its exports too, throws a
 * `NotBorrowedError` once the lease has ended, also when somebody else has the instance by then.
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
    return this.#lease.release();
  }

  destroy(): Promise<void> {
    return this.#lease.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lease[Symbol.asyncDispose]();
  }
}

/** An instance seen through its lease, which is asked each time. */
class LeasedInstance<Exports, Context> implements WasmInstance<Exports, Context> {
  readonly #lease: Lease<PooledInstance<Exports, Context>>;
  #exports: Exports | undefined = undefined;

  constructor(lease: Lease<PooledInstance<Exports, Context>>) {
    this.#lease = lease;
  }

  get id(): number {
    return this.#lease.value.id;
  }

  get name(): string {
    return this.#lease.value.name;
  }

  get exports(): Exports {
    this.#exports ??= leasedExports(this.#lease);
    return this.#exports;
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#lease.value.memory;
  }

  get memoryBytes(): number {
    return this.#lease.value.memoryBytes;
  }

  get context(): Context | undefined {
    return this.#lease.value.context;
  }

  link(imports: WasmImports): WebAssembly.Instance {
    return this.#lease.value.link(imports);
  }
}

/** The exports, whose functions ask the lease before they call. Other values are what they are. */
function leasedExports<Exports, Context>(lease: Lease<PooledInstance<Exports, Context>>): Exports {
  const exports = lease.value.exports;
  if (typeof exports !== 'object' || exports === null) return exports;
  // Of a target of its own: a proxy has to tell the truth about the properties of a frozen one.
  return new Proxy(Object.create(Object.getPrototypeOf(exports)), {
    has: (_, name) => Reflect.has(exports, name),
    get(_, name) {
      void lease.value;
      const value: unknown = Reflect.get(exports, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        void lease.value;
        return value.apply(exports, args);
      };
    },
  });
}
