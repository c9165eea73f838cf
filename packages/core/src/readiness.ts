/** A `ready` call that waits. */
interface Readiness {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The `ready` calls that wait, each for a number of resources. */
export class Readinesses {
  #waiting: Readiness[] = [];

  /** The most resources that one of them waits for; 0: none waits. */
  get count(): number {
    return this.#waiting.reduce((most, { count }) => Math.max(most, count), 0);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  wait(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ count, resolve, reject });
    });
  }

  /** Ends the waits for at most `size` resources. */
  resolve(size: number): void {
    const ready = this.#waiting.filter(({ count }) => count <= size);
    this.#waiting = this.#waiting.filter(({ count }) => count > size);
    for (const { resolve } of ready) resolve();
  }

  /** Ends all waits, each with an error of its own. */
  reject(makeError: () => Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(makeError());
  }
}
