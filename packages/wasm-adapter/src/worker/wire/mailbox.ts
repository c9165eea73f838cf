import { type MessagePort, receiver } from '../../platform/threads.js';

/** A message: the number under which a slot refers to it, and what it brings. */
export type Letter = readonly [number: number, ...body: unknown[]];

/**
 * The messages that arrive at a port, found by their numbers. A letter is posted before the slot that
 * refers to it, so it is there when it is asked for. Others are given to `deliver`: those with a number
 * of 0 or below, and such as are no letters.
 */
export class Mailbox {
  readonly #receive: ReturnType<typeof receiver>;
  readonly #deliver: (letter: Letter) => void;
  readonly #kept = new Map<number, Letter>();

  constructor(port: MessagePort, deliver: (letter: Letter) => void) {
    this.#receive = receiver(port);
    this.#deliver = deliver;
  }

  /** Whether the letter of that number is there: it may be on its way where messages come by the event loop. */
  has(number: number): boolean {
    while (!this.#kept.has(number)) if (!this.#next()) return false;
    return true;
  }

  /** Takes the letter of that number. Throws where there is none, or one before it cannot be read. */
  take(number: number): readonly unknown[] {
    while (!this.#kept.has(number)) {
      if (!this.#next()) throw new RangeError(`there is no message of number ${number}`);
    }
    const [, ...body] = this.#kept.get(number) as Letter;
    this.#kept.delete(number);
    return body;
  }

  /** Throws the letter of that number away, read or not. */
  discard(number: number): void {
    this.take(number);
  }

  /** Sorts at most so many letters that have arrived. */
  sort(most: number): void {
    for (let left = most; left > 0 && this.#next(); left--);
  }

  /** Sorts a letter that has come by the event loop. Throws a TypeError where it is none. */
  put(letter: unknown): void {
    if (!isLetter(letter)) throw new TypeError('a message that is no letter');
    if (letter[0] > 0) this.#kept.set(letter[0], letter);
    else this.#deliver(letter);
  }

  #next(): boolean {
    const received = this.#receive();
    if (received !== undefined) this.put(received.message);
    return received !== undefined;
  }
}

function isLetter(message: unknown): message is Letter {
  return Array.isArray(message) && typeof message[0] === 'number';
}
