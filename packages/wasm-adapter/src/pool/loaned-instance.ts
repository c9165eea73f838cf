import { isClass } from '../instance/component/guard-component.js';
import { type CallState, isPromising } from '../instance/guard.js';
import type { WasmImports } from '../instance/link.js';
import { Loan, runInLoan } from '../instance/loan.js';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';

/**
 * An instance as one borrower sees it: the functions that were kept of it throw a `WasmError`
 * `ERR_WASM_NOT_LENT` once the loan is over, even after the instance was lent to someone else. There is
 * no memory and no context any more then. Of a lease, everything throws.
 */
export class LoanedInstance<Exports, Context> implements WasmInstance<Exports, Context> {
  readonly #pooled: PooledInstance<Exports, Context>;
  readonly #loan: Loan;
  /** Held for as long as this is: a lease that is dropped gives its slot back. */
  readonly #lease: object | undefined;

  constructor(instance: PooledInstance<Exports, Context>, lease?: object) {
    this.#pooled = instance;
    this.#loan = instance.loan ?? OVER;
    this.#lease = lease;
  }

  /** What it stands for, whether the loan is on or over. */
  get pooled(): PooledInstance<Exports, Context> {
    return this.#pooled;
  }

  /** The instance; undefined once the loan is over. Throws where that is of a lease. */
  get #instance(): PooledInstance<Exports, Context> | undefined {
    if (!this.#loan.over) return this.#pooled;
    if (this.#lease !== undefined) throw this.#pooled.calls.notCallable();
    return undefined;
  }

  get id(): number {
    return (this.#instance ?? this.#pooled).id;
  }

  get name(): string {
    return (this.#instance ?? this.#pooled).name;
  }

  get exports(): Exports {
    const loan = this.#loan;
    const { exports, calls, ofLoader } = this.#instance ?? this.#pooled;
    loan.exports ??= seen(exports, undefined, { loan, calls, ofLoader, lease: this.#lease }, true);
    return loan.exports as Exports;
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#instance?.memory;
  }

  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? 0;
  }

  get context(): Context | undefined {
    return this.#instance?.context;
  }

  get unfitReason(): string | undefined {
    return this.#pooled.unfitReason;
  }

  get WebAssembly(): typeof WebAssembly {
    return (this.#instance ?? this.#pooled).WebAssembly;
  }

  link(imports: WasmImports): WebAssembly.Instance {
    const instance = this.#instance;
    if (instance === undefined) throw this.#pooled.calls.notCallable();
    return instance.link(imports);
  }
}

/** Of an instance that nobody has. */
const OVER: Loan = Object.assign(new Loan({}, undefined), { over: true });

function isObject<V>(value: V): value is V & object {
  return typeof value === 'object' && value !== null;
}

/** Exports as V8 and the pool make them have no prototype. */
function isExports(value: object): boolean {
  return Object.getPrototypeOf(value) === null || value instanceof WebAssembly.Instance;
}

type ExportedFunction = (...args: unknown[]) => unknown;

/** Whose view it is. */
interface Borrower {
  readonly loan: Loan;
  readonly calls: CallState;
  /** Whether a loader made the exports, and so may start what goes on after the loan. */
  readonly ofLoader: boolean;
  /** What is seen holds on to the lease, as the lease's value does. */
  readonly lease: object | undefined;
}

function check({ loan, calls }: Borrower): void {
  if (loan.over) throw calls.notCallable();
}

/**
 * What stands for a value among exports: of functions, and of an instance's own exports within those of
 * a loader, one that looks at the loan first. Others, memories and tables too, are what they are.
 */
function seen<V>(value: V, owner: unknown, borrower: Borrower, whole = false): V {
  if (typeof value === 'function') {
    const guard = value as V & ExportedFunction;
    return borrower.ofLoader || isClass(value) // a resource of a component
      ? loaderFunction(guard, owner, borrower)
      : exportedFunction(guard, borrower);
  }
  return isObject(value) && (whole || isExports(value)) ? viewOf(value, borrower) : value;
}

/** A guard has no properties and needs no `this`: a closure of as many parameters is quicker than a proxy. */
function exportedFunction<F extends ExportedFunction>(guard: F, borrower: Borrower): F {
  return closureOf(guard, borrower.loan, borrower.calls) as F;
}

function closureOf(guard: ExportedFunction, loan: Loan, calls: CallState): ExportedFunction {
  const refuse = () => {
    const error = calls.notCallable();
    if (isPromising(guard)) return Promise.reject(error);
    throw error;
  };
  switch (guard.length) {
    case 0:
      return () => {
        if (loan.over) return refuse();
        return guard();
      };
    case 1:
      return (a) => {
        if (loan.over) return refuse();
        return guard(a);
      };
    case 2:
      return (a, b) => {
        if (loan.over) return refuse();
        return guard(a, b);
      };
    case 3:
      return (a, b, c) => {
        if (loan.over) return refuse();
        return guard(a, b, c);
      };
    case 4:
      return (a, b, c, d) => {
        if (loan.over) return refuse();
        return guard(a, b, c, d);
      };
    default:
      return loaderFunction(guard, undefined, { loan, calls, ofLoader: false, lease: undefined });
  }
}

/** A function, or a class of a loader: with `new`, and methods of its own. */
function loaderFunction<F extends object>(fn: F, owner: unknown, borrower: Borrower): F {
  const { loan, ofLoader } = borrower;
  return new Proxy(fn, {
    apply(target, _, args) {
      check(borrower);
      if (!ofLoader) return Reflect.apply(target as ExportedFunction, owner, args);
      return runInLoan(loan, Reflect.apply, target, owner, args);
    },
    construct(target, args) {
      check(borrower);
      return runInLoan(loan, Reflect.construct, target, args) as object;
    },
    get(target, name) {
      if (borrower.lease !== undefined) check(borrower);
      return seen(Reflect.get(target, name), target, borrower);
    },
  });
}

/** The targets of views: a proxy has to tell the truth about the properties of a frozen one. */
const targets = new WeakMap<object, object>();

function viewOf<E extends object>(exports: E, borrower: Borrower): E {
  let target = targets.get(exports);
  if (target === undefined) {
    target = Object.create(Object.getPrototypeOf(exports)) as object;
    targets.set(exports, target);
  }
  return new Proxy(target, new View(exports, borrower)) as E;
}

/** The handler of a view: what one borrower sees in place of an instance's exports. */
class View<E extends object> implements ProxyHandler<object> {
  readonly #exports: E;
  readonly #borrower: Borrower;
  /** The last function that was asked for, and what stands for it: mostly there is but one. */
  #last: unknown = undefined;
  #lastSeen: unknown = undefined;
  /** All of them, where there are more. */
  #seen: Map<unknown, unknown> | undefined = undefined;

  constructor(exports: E, borrower: Borrower) {
    this.#exports = exports;
    this.#borrower = borrower;
  }

  get(_: object, name: string | symbol): unknown {
    // Functions look by themselves; the rest may be plain data, a loader's result that is read later.
    if (this.#borrower.lease !== undefined) check(this.#borrower);
    return this.#of(Reflect.get(this.#exports, name));
  }

  /** The same for as long as the loan is on. */
  #of(value: unknown): unknown {
    if (typeof value !== 'function' && !isObject(value)) return value;
    if (value === this.#last) return this.#lastSeen;
    if (this.#last !== undefined) {
      this.#seen ??= new Map();
      this.#seen.set(this.#last, this.#lastSeen);
    }
    this.#last = value;
    this.#lastSeen = this.#seen?.get(value) ?? seen(value, this.#exports, this.#borrower);
    return this.#lastSeen;
  }

  set(_: object, name: string | symbol, value: unknown): boolean {
    check(this.#borrower);
    return Reflect.set(this.#exports, name, value);
  }

  has(_: object, name: string | symbol): boolean {
    return Reflect.has(this.#exports, name);
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#exports);
  }

  getOwnPropertyDescriptor(_: object, name: string | symbol): PropertyDescriptor | undefined {
    if (this.#borrower.lease !== undefined) check(this.#borrower);
    const found = Reflect.getOwnPropertyDescriptor(this.#exports, name);
    if (found === undefined) return undefined;
    const value = this.#of(Reflect.get(this.#exports, name));
    return { value, writable: true, enumerable: found.enumerable === true, configurable: true };
  }
}
