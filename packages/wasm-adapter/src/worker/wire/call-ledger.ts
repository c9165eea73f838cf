/** How many calls a thread may have been sent since the oldest that it has not answered. */
const MAX_SENT = 64;

const WITHDRAWN = -1;
const LAST_NUMBER = 2 ** 29;

/**
 * Settles between two threads which of the calls that were sent are started, and which are taken back
 * first: in one word of shared memory a call, which holds its number and whether it has begun. So a call
 * behind one that has to be killed is run elsewhere, and never twice.
 */
export class CallLedger {
  readonly words: Int32Array<SharedArrayBuffer>;
  #last = 0;

  constructor(words = new Int32Array(new SharedArrayBuffer(4 * MAX_SENT))) {
    this.words = words;
  }

  /** Whether a further call can be offered while the one of that number has not been answered. */
  isRoomBeside(number: number): boolean {
    return (this.#last - number + LAST_NUMBER) % LAST_NUMBER < MAX_SENT - 1;
  }

  /** Offers a further call to the thread. Returns its number, from 1 up. */
  offer(): number {
    this.#last = (this.#last % LAST_NUMBER) + 1;
    Atomics.store(this.words, this.#last % MAX_SENT, offered(this.#last));
    return this.#last;
  }

  /** Called by the thread before it runs a call: false where it was taken back. */
  claim(number: number): boolean {
    return this.#swap(number, offered(number) + 1);
  }

  /** Takes a call back: false where it was started. */
  revoke(number: number): boolean {
    return this.#swap(number, WITHDRAWN);
  }

  #swap(number: number, next: number): boolean {
    const was = Atomics.compareExchange(this.words, number % MAX_SENT, offered(number), next);
    return was === offered(number);
  }
}

function offered(number: number): number {
  return number * 2;
}
