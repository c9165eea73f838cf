import {
  aBoolean,
  checkIsObject,
  inspectValue,
  millisOrInfinity,
  OptionError,
  wholeNumber,
} from './check-options.js';

/** What a loan is for. */
export interface LoanOptions<Context = unknown> {
  /** Given to the factory's `lend` when the loan begins. Refused where the factory has no `lend`. */
  context?: Context | undefined;
}

/** How one acquire waits, and what its loan is for. */
export interface AcquireOptions<Context = unknown> extends LoanOptions<Context> {
  /**
   * 0 is served first; a number beyond `priorityRange` counts as the lowest. Default: the lowest,
   * as generic-pool's documentation has it.
   */
  priority?: number | undefined;
  /** Ends the wait: the acquire rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Instead of the pool's `acquireTimeoutMillis`; 0: no limit. */
  timeoutMillis?: number | undefined;
}

/** How an adapter's own `take` waits. */
export interface TakeOptions extends Omit<AcquireOptions, 'context'> {
  /**
   * Waits in front of all others of its priority, however many wait: for retrying after the resource
   * was lost. It is admitted even while the pool drains. Default false.
   */
  requeue?: boolean | undefined;
}

const noOptions: AcquireOptions<never> = {};
const priorityCheck = wholeNumber(0);
const acquireNames = 'context, priority, signal, timeoutMillis';
const takeNames = 'priority, requeue, signal, timeoutMillis';

/**
 * The argument of an acquire, a bare priority or options, as options. Throws an `OptionError`.
 *
 * @param call the method that was called, for the error
 * @param lends whether the factory has a `lend` that takes a context
 */
export function acquireOptions<Context>(
  given: number | AcquireOptions<Context> | undefined,
  call: string,
  lends: boolean,
): AcquireOptions<Context> {
  if (given === undefined) return noOptions;
  if (typeof given === 'number') {
    checkPriority(given, call);
    return { priority: given };
  }
  checkIsObject(call, given, 'a priority or an object');
  for (const name in given) {
    if (name === 'context') checkContext(given.context, call, lends);
    else checkWaitOption(name, given[name as keyof AcquireOptions<Context>], call, acquireNames);
  }
  return given;
}

/** The context of a loan that does not wait. Throws an `OptionError`. */
export function loanContext<Context>(
  given: LoanOptions<Context> | undefined,
  call: string,
  lends: boolean,
): Context | undefined {
  if (given === undefined) return undefined;
  checkIsObject(call, given, 'an object');
  for (const name in given) {
    if (name !== 'context') throw unknownOption(call, name, 'context');
  }
  checkContext(given.context, call, lends);
  return given.context;
}

/** The options of an adapter's `take`. Throws an `OptionError`. */
export function takeOptions(given: TakeOptions): TakeOptions {
  for (const name in given) {
    const value = given[name as keyof TakeOptions];
    if (name !== 'requeue') checkWaitOption(name, value, 'take', takeNames);
    else if (value !== undefined && !aBoolean.test(value)) {
      throw refused('take', name, value, aBoolean.accepts);
    }
  }
  return given;
}

function checkContext(context: unknown, call: string, lends: boolean): void {
  if (lends || context === undefined) return;
  throw refused(call, 'context', context, 'undefined, for this factory has no lend');
}

function checkWaitOption(name: string, value: unknown, call: string, known: string): void {
  if (name === 'priority') checkPriority(value, call);
  else if (name === 'timeoutMillis') {
    if (value !== undefined && !millisOrInfinity.test(value))
      throw refused(call, name, value, millisOrInfinity.accepts);
  } else if (name === 'signal') {
    if (value !== undefined && !isSignal(value)) throw refused(call, name, value, 'an AbortSignal');
  } else throw unknownOption(call, name, known);
}

function checkPriority(priority: unknown, call: string): void {
  if (priority === undefined || priorityCheck.test(priority)) return;
  throw refused(call, 'priority', priority, priorityCheck.accepts);
}

/** Also a signal of another realm, such as jsdom's or a worker's, and a polyfill. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
  );
}

function unknownOption(call: string, name: string, known: string): OptionError {
  return new OptionError(`${call}: unknown option ${name}; accepted: ${known}`);
}

function refused(call: string, name: string, value: unknown, accepts: string): OptionError {
  return new OptionError(`${call}: ${name} is ${inspectValue(value)}; accepted: ${accepts}`);
}
