/**
 * Wakes a thread that waits for requests: sooner, and at less cost, than a message does by which its
 * event loop is woken.
 */
export class Doorbell {
  readonly word: Int32Array<SharedArrayBuffer>;

  constructor(word = new Int32Array(new SharedArrayBuffer(4))) {
    this.word = word;
  }

  ring(): void {
    Atomics.add(this.word, 0, 1);
    Atomics.notify(this.word, 0);
  }

  /** How often it has rung. */
  get count(): number {
    return Atomics.load(this.word, 0);
  }

  /** Blocks the thread until it has rung more often than that, or for so long. */
  wait(rung: number, millis: number): boolean {
    return Atomics.wait(this.word, 0, rung, millis) !== 'timed-out';
  }
}
