import { aBoolean, anyString, checkOptions, inspectValue, millis } from '../check-options.js';
import { backgroundTimer } from '../runtime.js';

/** How a process ends. */
export interface ShutdownOptions {
  /** The signals that end it. Default `['SIGTERM', 'SIGINT']`. */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** How long `close` may take; then the process ends with exit code 1. 0: no limit. Default 30,000. */
  timeoutMillis?: number | undefined;
  /**
   * End the process once `close` is through, whatever still keeps it alive. Default false: it ends by
   * itself, when nothing is left to do.
   */
  exit?: boolean | undefined;
}

/**
 * Calls `close` at the first signal; the second one ends the process at once, as ever. `close` should
 * first stop the server, so that requests under way are answered, and then close the pools. Where it
 * fails, the error is printed, and the exit code is 1. Throws an `OptionError`, or a TypeError.
 *
 * @returns takes it back
 */
export function onShutdown(
  close: (signal: NodeJS.Signals) => unknown,
  options: ShutdownOptions = {},
): () => void {
  if (typeof close !== 'function') {
    throw new TypeError(`onShutdown: close is ${inspectValue(close)}; accepted: a function`);
  }
  checkOptions('onShutdown', options, {
    signals: {
      accepts: 'an array of names of signals',
      test: (value) => Array.isArray(value) && value.every(anyString.test),
    },
    timeoutMillis: millis,
    exit: aBoolean,
  });
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMillis = 30_000, exit = false } = options;
  const { process } = globalThis;

  function takeBack(): void {
    for (const signal of signals) process.off(signal, onSignal);
  }
  async function onSignal(signal: NodeJS.Signals): Promise<void> {
    takeBack(); // the next one finds no handler of ours
    const timer =
      timeoutMillis > 0 ? backgroundTimer(() => process.exit(1), timeoutMillis) : undefined;
    try {
      await close(signal);
      clearTimeout(timer);
      if (exit) process.exit();
    } catch (error) {
      clearTimeout(timer);
      console.error(error);
      process.exit(1);
    }
  }
  for (const signal of signals) process.on(signal, onSignal);
  return takeBack;
}
