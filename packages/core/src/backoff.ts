import { backgroundTimer, clockMillis, keepAlive } from './runtime.js';

const FIRST_MILLIS = 100;
const LONGEST_MILLIS = 30_000;

/** Puts off the next try after failures: 100 ms, then twice as long each time, up to 30 s. */
export class Backoff {
  readonly #retry: () => void;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #dueMillis = 0;
  #awaited = false;

  constructor(retry: () => void) {
    this.#retry = retry;
  }

  /** Whether a try is put off. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /** How long until the try that is put off. */
  get leftMillis(): number {
    return Math.max(Math.ceil(this.#dueMillis - clockMillis()), 0);
  }

  /** Whether somebody waits for the next try: the process then stays alive until it. */
  set awaited(awaited: boolean) {
    if (awaited === this.#awaited) return;
    this.#awaited = awaited;
    keepAlive(this.#timer, awaited);
  }

  /** Puts the next try off; failures while one is put off already count as the same. */
  fail(): void {
    if (this.#timer !== undefined) return;
    const millis = Math.min(FIRST_MILLIS * 2 ** this.#failures, LONGEST_MILLIS);
    this.#failures++;
    this.#dueMillis = clockMillis() + millis;
    this.#timer = backgroundTimer(() => {
      this.#timer = undefined;
      this.#retry();
    }, millis);
    keepAlive(this.#timer, this.#awaited);
  }

  /** Something worked: tries at once what was put off. */
  succeed(): void {
    this.#failures = 0;
    if (this.#timer === undefined) return;
    this.stop();
    this.#retry();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
