/**
 * Rethrows what a listener or policy threw where it cannot disturb the pool: as an uncaught
 * exception, which is what Node.js makes of an EventTarget listener's throw.
 */
export function rethrowUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
