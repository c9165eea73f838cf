/**
 * Lets scripts in one after another, with a turn of the event loop before each: a script holds the
 * one thread of the server while it computes, and between two scripts others are to be heard.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, which lasts until the caller waits for something. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
