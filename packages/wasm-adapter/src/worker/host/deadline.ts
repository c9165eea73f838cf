import { backgroundTimer } from '../../platform/turns.js';

/** One time limit after another, on a timer that is left to run rather than set anew for each. */
export class Deadline {
  readonly #onPast: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined = undefined;
  #timerAt = 0;

  constructor(onPast: () => void) {
    this.#onPast = onPast;
  }

  /** From now on; 0: none. */
  set(millis: number): void {
    this.#at = millis === 0 ? Number.POSITIVE_INFINITY : performance.now() + millis;
    if (millis === 0 || (this.#timer !== undefined && this.#timerAt <= this.#at)) return;
    this.#start(millis);
  }

  /** None any more, and no timer either. */
  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(millis: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = performance.now() + millis;
    this.#timer = backgroundTimer(() => this.#onTimer(), Math.ceil(millis));
  }

  #onTimer(): void {
    this.#timer = undefined;
    const left = this.#at - performance.now();
    if (left <= 0) this.#onPast();
    else if (left < Number.POSITIVE_INFINITY) this.#start(left);
  }
}
