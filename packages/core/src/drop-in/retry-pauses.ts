const FIRST_MILLIS = 10;
const LONGEST_MILLIS = 1_000;

/**
 * The pauses between failed creations: 10 ms, then twice as long each time, up to 1 s. Short, for an
 * acquire that waits has a timeout of a few seconds as a rule.
 */
export class RetryPauses {
  readonly #retry: () => void;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(retry: () => void) {
    this.#retry = retry;
  }

  /** Whether there is a pause now. */
  get pausing(): boolean {
    return this.#timer !== undefined;
  }

  /** Begins a pause. A failure during a pause belongs to the same round, and does not lengthen it. */
  fail(): void {
    if (this.#timer !== undefined) return;
    const millis = Math.min(FIRST_MILLIS * 2 ** this.#failures, LONGEST_MILLIS);
    this.#failures++;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#retry();
    }, millis);
  }

  /** Ends the pause, and has the next one be short. */
  succeed(): void {
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Says whether somebody waits for the end of the pause; if not, it keeps no process alive. */
  keepAlive(awaited: boolean): void {
    if (awaited) this.#timer?.ref();
    else this.#timer?.unref();
  }
}
