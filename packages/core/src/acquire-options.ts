import { aBoolean, inspectValue, millis, OptionError, wholeNumber } from './check-options.js';

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
  /**
   * Takes a resource also from `handOff`, while who had it before waits for the rest of its answer: for
   * a resource that queues what it is given, such as a thread or a connection. Default false.
   */
  acceptsHandOff?: boolean | undefined;
  /**
   * Waits in front of all others of its priority, however many wait: for who was served before, and
   * lost the resource through no fault of its own. Default false.
   */
  requeue?: boolean | undefined;
}

const noOptions: AcquireOptions = {};
const priorityCheck = wholeNumber(0);

/** An acquire's argument, a bare priority or options, as options. Throws an `OptionError`. */
export function acquireOptions(given: number | AcquireOptions | undefined): AcquireOptions {
  if (given === undefined) return noOptions;
  const options = typeof given === 'number' ? { priority: given } : given;
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(
      `acquire: options is ${inspectValue(given)}; accepted: a priority or an object`,
    );
  }
  const { priority, signal, timeoutMillis, acceptsHandOff, requeue } = options;
  if (priority !== undefined && !priorityCheck.test(priority)) {
    throw refused('priority', priority, priorityCheck.accepts);
  }
  if (timeoutMillis !== undefined && !millis.test(timeoutMillis)) {
    throw refused('timeoutMillis', timeoutMillis, millis.accepts);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused('signal', signal, 'an AbortSignal');
  }
  for (const [name, value] of [
    ['acceptsHandOff', acceptsHandOff],
    ['requeue', requeue],
  ] as const) {
    if (value !== undefined && !aBoolean.test(value)) {
      throw refused(name, value, aBoolean.accepts);
    }
  }
  return options;
}

function refused(name: string, value: unknown, accepts: string): OptionError {
  return new OptionError(`acquire: ${name} is ${inspectValue(value)}; accepted: ${accepts}`);
}
