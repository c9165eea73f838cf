import { watchAbort } from './abort-watch.js';
import { timeout } from './runtime.js';
import type { Waiter } from './waiter.js';

/**
 * A waiter that a timeout or a signal may take out of the queue before it is served: calls
 * `onTimeout` or `onAbort` at most once, and neither once it was served or rejected.
 */
export function withTimeoutAndSignal<T>(
  waiter: Waiter<T>,
  timeoutMillis: number,
  signal: AbortSignal | undefined,
  onTimeout: () => void,
  onAbort: () => void,
): Waiter<T> {
  let over = false;
  const isOver = () => over;
  const timer = timeoutMillis > 0 ? timeout(onTimeout, timeoutMillis, isOver) : undefined;
  const unwatch = signal && watchAbort(signal, onAbort);
  return (outcome) => {
    over = true;
    clearTimeout(timer);
    unwatch?.();
    waiter(outcome);
  };
}
