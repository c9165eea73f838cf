import { vi } from 'vitest';

interface Timer {
  readonly at: number;
  readonly run: () => void;
  unref(): Timer;
  ref(): Timer;
}

const turnOfTheLoop = setImmediate;

/**
 * Time that only the test moves. Unlike vitest's fake timers it fires one timer at a time and says
 * when the next one is due, so that the model can follow what each of them does; and it is an order
 * of magnitude faster, which is what pays for a hundred thousand commands.
 */
export class Clock {
  now = 0;
  readonly #timers = new Set<Timer>();
  readonly #immediates: (() => void)[] = [];

  /** Takes the place of the timers and of `performance.now`, until `uninstall`. */
  install(): void {
    vi.stubGlobal('setTimeout', (run: () => void, millis: number) => {
      const it = () => timer;
      const timer: Timer = { at: this.now + Math.max(millis, 1), run, unref: it, ref: it };
      this.#timers.add(timer);
      return timer;
    });
    vi.stubGlobal('clearTimeout', (timer: Timer | undefined) => {
      if (timer !== undefined) this.#timers.delete(timer);
    });
    vi.stubGlobal('setImmediate', (run: () => void) => void this.#immediates.push(run));
    vi.stubGlobal('performance', { now: () => this.now });
    vi.spyOn(Date, 'now').mockImplementation(() => this.now);
  }

  uninstall(): void {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  }

  /** How many timers are set, those that are `unref`ed included. */
  get pending(): number {
    return this.#timers.size + this.#immediates.length;
  }

  /** Lets promises and immediates do what they can before time passes. */
  async flush(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => turnOfTheLoop(resolve));
      const run = this.#immediates.shift();
      if (run === undefined) return;
      run();
    }
  }

  /** Fires the next timer that is due by `until`, and says whether there was one. */
  fireNext(until: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    if (next === undefined || next.at > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.#timers.delete(next);
    this.now = Math.max(this.now, next.at);
    next.run();
    return true;
  }
}
