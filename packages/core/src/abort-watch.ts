/** The watchers of a signal, and the one listener that they share. */
interface Watch {
  readonly watchers: Set<() => void>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Calls `onAbort` when the signal is aborted. All watchers of a signal share one listener: with ten
 * thousand of them, adding and removing listeners one by one would take the square of that.
 *
 * @returns ends the watch
 */
export function watchAbort(signal: AbortSignal, onAbort: () => void): () => void {
  const watch = watches.get(signal) ?? begin(signal);
  watch.watchers.add(onAbort);
  return () => {
    watch.watchers.delete(onAbort);
    if (watch.watchers.size === 0 && watches.get(signal) === watch) end(signal, watch);
  };
}

function begin(signal: AbortSignal): Watch {
  const watchers = new Set<() => void>();
  const watch = {
    watchers,
    listener() {
      end(signal, watch);
      for (const onAbort of watchers) onAbort();
    },
  };
  watches.set(signal, watch);
  signal.addEventListener('abort', watch.listener);
  return watch;
}

function end(signal: AbortSignal, { listener }: Watch): void {
  signal.removeEventListener('abort', listener);
  watches.delete(signal);
}
