import { millis, OptionError, show, wholeNumber } from './check-options.js';

/** How one acquire waits. */
export interface AcquireOptions {
  /**
   * 0 is served first; a number beyond `priorityRange` counts as the lowest. Default: the lowest,
   * as generic-pool's documentation has it.
   */
  priority?: number | undefined;
  /** Gives the wait up: the acquire rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Instead of the pool's `acquireTimeoutMillis`; 0: no limit. */
  timeoutMillis?: number | undefined;
}

const noOptions: AcquireOptions = {};
const priorityCheck = wholeNumber(0);

/** An acquire's argument, a bare priority or options, as options. Throws an `OptionError`. */
export function acquireOptions(given: number | AcquireOptions | undefined): AcquireOptions {
  if (given === undefined) return noOptions;
  const options = typeof given === 'number' ? { priority: given } : given;
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(`acquire: options is ${show(given)}; accepted: a priority or an object`);
  }
  const { priority, signal, timeoutMillis } = options;
  if (priority !== undefined && !priorityCheck.test(priority)) {
    throw refused('priority', priority, priorityCheck.accepts);
  }
  if (timeoutMillis !== undefined && !millis.test(timeoutMillis)) {
    throw refused('timeoutMillis', timeoutMillis, millis.accepts);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused('signal', signal, 'an AbortSignal');
  }
  return options;
}

function refused(name: string, value: unknown, accepts: string): OptionError {
  return new OptionError(`acquire: ${name} is ${show(value)}; accepted: ${accepts}`);
}
