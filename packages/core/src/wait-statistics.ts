/** How many acquires had to wait, and for how long, as `stats()` has it. */
export interface WaitStats {
  readonly count: number;
  readonly totalMillis: number;
  readonly longestMillis: number;
}

/** Counts the acquires that had to wait, however that ended. */
export class WaitStatistics {
  #count = 0;
  #totalMillis = 0;
  #longestMillis = 0;

  add(millis: number): void {
    this.#count++;
    this.#totalMillis += millis;
    if (millis > this.#longestMillis) this.#longestMillis = millis;
  }

  toStats(): WaitStats {
    return {
      count: this.#count,
      totalMillis: this.#totalMillis,
      longestMillis: this.#longestMillis,
    };
  }
}
