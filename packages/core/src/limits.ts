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
  const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
  signal?.addEventListener('abort', onAbort);
  return (outcome) => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    waiter(outcome);
  };
}
