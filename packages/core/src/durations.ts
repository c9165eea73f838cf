/** How often something took time, and how long, as `stats()` has it. */
export interface TimeStats {
  readonly count: number;
  readonly totalMillis: number;
  readonly longestMillis: number;
}

/** Adds up how long something took, each time. */
export class Durations {
  #count = 0;
  #totalMillis = 0;
  #longestMillis = 0;

  add(millis: number): void {
    this.#count++;
    this.#totalMillis += millis;
    if (millis > this.#longestMillis) this.#longestMillis = millis;
  }

  /** Undefined while there is none. */
  get meanMillis(): number | undefined {
    return this.#count === 0 ? undefined : this.#totalMillis / this.#count;
  }

  toStats(): TimeStats {
    return {
      count: this.#count,
      totalMillis: this.#totalMillis,
      longestMillis: this.#longestMillis,
    };
  }
}
