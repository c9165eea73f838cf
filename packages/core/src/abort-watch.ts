/** The functions to call when a signal is aborted. */
const watchers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `onAbort` when the signal is aborted. All watchers of a signal share one listener: with ten
 * thousand of them, adding and removing listeners one by one would take the square of that.
 *
 * @returns ends the watch
 */
export function watchAbort(signal: AbortSignal, onAbort: () => void): () => void {
  const set = watchers.get(signal) ?? begin(signal);
  set.add(onAbort);
  return () => {
    set.delete(onAbort);
    if (set.size === 0 && watchers.get(signal) === set) end(signal);
  };
}

const listeners = new WeakMap<AbortSignal, () => void>();

function begin(signal: AbortSignal): Set<() => void> {
  const set = new Set<() => void>();
  const listener = () => {
    end(signal);
    for (const onAbort of set) onAbort();
  };
  watchers.set(signal, set);
  listeners.set(signal, listener);
  signal.addEventListener('abort', listener);
  return set;
}

function end(signal: AbortSignal): void {
  const listener = listeners.get(signal);
  if (listener !== undefined) signal.removeEventListener('abort', listener);
  watchers.delete(signal);
  listeners.delete(signal);
}
