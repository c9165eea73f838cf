import { WasmError } from '../errors.js';
import { isPrivateExport } from '../module/private-exports.js';
import { frozenRecord } from './frozen-record.js';
import { promising } from './jspi.js';
import { RunningTasks } from './running-tasks.js';

/** Whether an instance may be called, and what its calls have come to. */
export class CallState {
  /** On loan, or still being set up: exports can be called. */
  callable = true;

  /** Calls that have not returned. */
  inFlight = 0;

  /** An exception left the module by one of its exports. */
  poisoned = false;

  /** What goes on in a component, also after it has answered. */
  readonly tasks = new RunningTasks();

  /** The resources of a component that the borrower holds. */
  readonly held = new Set<object>();

  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
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
 * toolchains keep and V8 knows nothing of, where it was mid-call, whoever catches it.
 *
 * @param promisingOnes the functions that may suspend and return promises, or true for all
 */
export function guardExports(
  exports: WebAssembly.Exports,
  calls: CallState,
  promisingOnes: readonly string[] | true,
): Readonly<Record<string, unknown>> {
  const guard = (name: string, value: unknown) => {
    if (typeof value !== 'function') return value;
    return promisingOnes === true || promisingOnes.includes(name)
      ? guardPromising(promising(value as ExportedFunction), calls)
      : guardFunction(value as ExportedFunction, calls);
  };
  const own = Object.entries(exports).filter(([name]) => !isPrivateExport(name));
  return frozenRecord(own.map(([name, value]) => [name, guard(name, value)]));
}

/** A call that may be suspended is in flight until its promise settles. */
function guardPromising(
  call: (...args: unknown[]) => Promise<unknown>,
  calls: CallState,
): ExportedFunction {
  const succeed = (result: unknown) => {
    calls.inFlight--;
    return result;
  };
  return (...args) => {
    if (!calls.callable) return Promise.reject(calls.notCallable());
    calls.inFlight++;
    const result = begin(call, args).then(succeed, (error: unknown) => {
      calls.inFlight--;
      calls.poisoned = true;
      // The loan is over: who gave it back with a call under way need not be there to be told.
      if (!calls.callable) result.catch(() => {});
      throw error;
    });
    return result;
  };
}

/** V8 throws at once where an argument does not fit, or no stack is left. */
function begin(call: (...args: unknown[]) => Promise<unknown>, args: unknown[]): Promise<unknown> {
  try {
    return call(...args);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** One closure for each number of parameters: spreading them would cost more than the call. */
function guardFunction(call: ExportedFunction, calls: CallState): ExportedFunction {
  const enter = () => {
    if (!calls.callable) throw calls.notCallable();
    calls.inFlight++;
  };
  const fail = (error: unknown) => {
    calls.inFlight--;
    calls.poisoned = true;
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
