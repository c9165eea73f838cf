/** The pool did what it must not, or left undone what it must. */
export class Violation extends Error {}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Violation(what);
}

export function agree(what: string, pool: unknown, model: unknown): void {
  must(pool === model, `${what} is ${String(pool)}, not ${String(model)}`);
}

/**
 * Keeps what was found wrong inside a call of the factory, a borrower or a listener: the pool would
 * take it for their own fault.
 */
export class Findings {
  #first: unknown;

  note(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#first ??= error;
    }
  }

  raise(): void {
    if (this.#first !== undefined) throw this.#first;
  }
}
