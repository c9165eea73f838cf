import { must } from './violation.js';

/** What a promise came to: `ok`, or the name of the error; undefined while it has not settled. */
export type Settled = string | undefined;

/** Promises of nothing, each with what the model says of it. */
export class Promises {
  #open: { settled: Settled; check: (settled: Settled) => boolean }[] = [];

  /** @param check whether the promise may have come to that by now */
  follow(promise: Promise<unknown>, check: (settled: Settled) => boolean): void {
    const followed = { settled: undefined as Settled, check };
    promise.then(
      () => {
        followed.settled = 'ok';
      },
      (error: Error) => {
        followed.settled = error.name;
      },
    );
    this.#open.push(followed);
  }

  /** Once promises have settled. Those that have are forgotten; says how many are left. */
  check(): number {
    this.#open = this.#open.filter(({ settled, check }) => {
      must(check(settled), `a promise came to ${settled}`);
      return settled === undefined;
    });
    return this.#open.length;
  }
}
