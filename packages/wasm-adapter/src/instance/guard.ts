import { WasmError } from '../errors.js';
import { isPrivateExport } from '../module/private-exports.js';
import { frozenRecord } from './frozen-record.js';
import type { Gate } from './gate.js';
import { promising } from './jspi.js';
import { RunningTasks } from './running-tasks.js';

/** Whether an instance may be called, and what its calls have come to. */
export class CallState {
  /** Calls that have not returned, made through guards in JavaScript. */
  inFlight = 0;

  /** What goes on in a component, also after it has answered. */
  readonly tasks = new RunningTasks();

  /** The resources of a component that the borrower holds. */
  readonly held = new Set<object>();

  readonly #name: string;
  /** The guards that are exported functions, of an instance that a loader linked. */
  readonly #gates: Gate[] = [];
  #callable = true;
  #poisoned = false;
  #exception: unknown = undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** On loan, or still being set up: exports can be called. */
  get callable(): boolean {
    return this.#callable;
  }

  set callable(callable: boolean) {
    this.#callable = callable;
    for (let index = 0; index < this.#gates.length; index++) {
      (this.#gates[index] as Gate).open = callable;
    }
  }

  /** An exception left the module by one of its exports. */
  get poisoned(): boolean {
    return this.#poisoned || this.#gates.some((gate) => gate.depth > 0 && !gate.suspends);
  }

  set poisoned(poisoned: boolean) {
    this.#poisoned = poisoned;
    if (poisoned) return;
    this.#exception = undefined;
    for (const gate of this.#gates) gate.reset();
  }

  /** The first exception that left the module by a guard of its own; undefined: there was none. */
  get exception(): unknown {
    return this.#exception;
  }

  /** An exception leaves the module. */
  poison(exception: unknown): void {
    if (!this.#poisoned) this.#exception = exception;
    this.#poisoned = true;
  }

  /** A call has not returned: it is suspended, or it is what returned the instance. */
  get busy(): boolean {
    return this.inFlight > 0 || this.#gates.some((gate) => gate.depth > 0 && gate.suspends);
  }

  /** Nothing is known against the instance, and nothing goes on in it: false may be too careful. */
  get settled(): boolean {
    return (
      !this.#poisoned &&
      this.inFlight === 0 &&
      this.#gates.length === 0 &&
      this.held.size === 0 &&
      this.tasks.running === 0
    );
  }

  /**
   * All that is known of an exception is that it left a call: a guard of its own says so, where a gate
   * has to take a call that goes on for one that was left.
   */
  get endedAllCalls(): boolean {
    return this.inFlight === 0 && this.#gates.every((gate) => gate.depth === 0);
  }

  add(gate: Gate): void {
    this.#gates.push(gate);
  }

  notCallable(): WasmError {
    return new WasmError(
      'ERR_WASM_NOT_LENT',
      `${this.#name} is not on loan: it was used after it had been returned`,
    );
  }
}

type ExportedFunction = (...args: unknown[]) => unknown;

/**
 * The author's exports, with each function guarded: it throws when the instance is not on loan, and
 * notes an exception on its way out. Such an exception leaves the shadow stack pointer, a global that
 * toolchains keep and V8 knows nothing of, where it was mid-call, even if the exception is caught.
 *
 * @param promisingOnes the functions that may suspend and return promises, or true for all
 * @param gate guards that are exported functions, for a loader to do with as WebAssembly has it
 */
export function guardExports(
  exports: WebAssembly.Exports,
  calls: CallState,
  promisingOnes: readonly string[] | true,
  gate?: Gate,
): Readonly<Record<string, unknown>> {
  const guard = (name: string, value: unknown) => {
    if (typeof value !== 'function') return value;
    return promisingOnes === true || promisingOnes.includes(name)
      ? guardPromising(value as ExportedFunction, calls)
      : (gate?.guardOf(value) ?? guardFunction(value as ExportedFunction, calls));
  };
  const own = Object.entries(exports).filter(([name]) => !isPrivateExport(name));
  return frozenRecord(own.map(([name, value]) => [name, guard(name, value)]));
}

/** A call that may be suspended is in flight until its promise settles. */
function guardPromising(guarded: ExportedFunction, calls: CallState): ExportedFunction {
  const call = promising(guarded);
  const succeed = (result: unknown) => {
    calls.inFlight--;
    return result;
  };
  const guard: ExportedFunction = (...args) => {
    if (!calls.callable) return Promise.reject(calls.notCallable());
    calls.inFlight++;
    const result = begin(call, args).then(succeed, (error: unknown) => {
      calls.inFlight--;
      calls.poison(error);
      // The loan is over: who gave it back with a call under way need not be there to be told.
      if (!calls.callable) result.catch(() => {});
      throw error;
    });
    return result;
  };
  promisingGuards.add(guard);
  return likeOf(guard, guarded);
}

const promisingGuards = new WeakSet<object>();

/** Whether a guard returns promises, and so tells by a rejection that its instance is not on loan. */
export function isPromising(guard: object): boolean {
  return promisingGuards.has(guard);
}

/**
 * Gives a guard the `length` and `name` of what it guards: so many parameters, and its index in the
 * module (WebAssembly JS API, "create a new Exported Function").
 */
function likeOf(guard: ExportedFunction, { length, name }: ExportedFunction): ExportedFunction {
  if (guard.length !== length) {
    Object.defineProperty(guard, 'length', { value: length, configurable: true });
  }
  return Object.defineProperty(guard, 'name', { value: name, configurable: true });
}

/** V8 throws at once where an argument does not fit, or no stack is left. */
function begin(call: (...args: unknown[]) => Promise<unknown>, args: unknown[]): Promise<unknown> {
  try {
    return call(...args);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * A function of an instance, guarded as its exports are: it throws while the instance is not on loan, and
 * notes an exception on its way out.
 */
export function guardFunction(call: ExportedFunction, calls: CallState): ExportedFunction {
  return likeOf(guardByLength(call, calls), call);
}

/** One closure for each number of parameters: spreading them would cost more than the call. */
function guardByLength(call: ExportedFunction, calls: CallState): ExportedFunction {
  const enter = () => {
    if (!calls.callable) throw calls.notCallable();
    calls.inFlight++;
  };
  const fail = (error: unknown) => {
    calls.inFlight--;
    calls.poison(error);
    return error;
  };
  switch (call.length) {
    case 0:
      return () => {
        enter();
        try {
          const result = call();
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
    case 1:
      return (a) => {
        enter();
        try {
          const result = call(a);
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
    case 2:
      return (a, b) => {
        enter();
        try {
          const result = call(a, b);
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
    case 3:
      return (a, b, c) => {
        enter();
        try {
          const result = call(a, b, c);
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
    case 4:
      return (a, b, c, d) => {
        enter();
        try {
          const result = call(a, b, c, d);
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
    default:
      return (...args) => {
        enter();
        try {
          const result = call(...args);
          calls.inFlight--;
          return result;
        } catch (error) {
          throw fail(error);
        }
      };
  }
}
