/** How many reasons are counted by themselves: the pool's own, and some of the factory's. */
const MOST_REASONS = 100;
const LONGEST_REASON = 100;

/** Counts destroyed resources by reason. Reasons beyond the first hundred are counted as `other`. */
export class DestroyCounts {
  readonly #counts = new Map<string, number>();

  add(reason: string): void {
    const key = reason.length > LONGEST_REASON ? reason.slice(0, LONGEST_REASON) : reason;
    const counted = this.#counts.has(key) || this.#counts.size < MOST_REASONS ? key : 'other';
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
