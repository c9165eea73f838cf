/** The longest that a timer of the platform waits for; a longer one fires at once. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** A limit of time that stands still while somebody else's time runs. 0: no limit. */
export class Stopwatch {
  readonly #onOver: () => void;
  #restMillis: number;
  #startedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(millis: number, onOver: () => void) {
    this.#restMillis = millis === 0 ? Number.POSITIVE_INFINITY : millis;
    this.#onOver = onOver;
  }

  start(): void {
    if (this.#startedAt !== undefined) return;
    this.#startedAt = performance.now();
    if (this.#restMillis > MAX_TIMER_MILLIS) return;
    this.#timer = setTimeout(this.#onOver, this.#restMillis);
  }

  pause(): void {
    if (this.#startedAt === undefined) return;
    this.#restMillis = Math.max(this.#restMillis - (performance.now() - this.#startedAt), 0);
    this.#startedAt = undefined;
    clearTimeout(this.#timer);
  }
}
