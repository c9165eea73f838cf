import { waitsInMemory } from '../../platform/threads.js';
import { backgroundTimer, inNextTurn } from '../../platform/turns.js';
import { Bell } from '../wire/ring.js';

/** A thread as its pool's inbox sees it. */
export interface Sender {
  /** Whether something was told that has not been received. */
  readonly hasReplies: boolean;
  /** Receives what has been told so far, and returns how many replies. `nowMillis` is of `performance.now()`. */
  receive(nowMillis: number): number;
  /** Has the thread see what it was sent, if it waits. */
  wake(): void;
  /** Lets the process end, unless a reply is expected. */
  letGo(): void;
}

/** A turn's replies have been dealt with when so many rounds of microtasks have sent nothing. */
const QUIET_ROUNDS = 4;

/** A thread that has nothing to do keeps the process alive for so long. */
const HOLD_MILLIS = 2;

/** Receives what the threads of a pool tell, in batches: once in a turn of the event loop. */
export class Inbox {
  readonly #bell = new Bell();
  readonly #senders = new Set<Sender>();
  /** What answers of this turn lead to is under way: threads are woken for all of it at once. */
  #batching = false;
  #quietRounds = 0;
  readonly #unwoken = new Set<Sender>();
  /** A turn is under way or scheduled; or else the bell is listened to. */
  #looking = false;
  /** The bell has been waited for, and has not rung since. */
  #waits = false;
  #holdTimer: NodeJS.Timeout | undefined = undefined;

  get bell(): Int32Array<ArrayBufferLike> {
    return this.#bell.word;
  }

  /** Whether the threads have to post a message to wake this one. */
  get wakesByMessage(): boolean {
    return !waitsInMemory;
  }

  add(sender: Sender): void {
    const first = this.#senders.size === 0;
    this.#senders.add(sender);
    if (first) this.look();
  }

  remove(sender: Sender): void {
    this.#senders.delete(sender);
  }

  /** Looks for replies in the next turn. */
  look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#bell.ignore();
    inNextTurn(this.#turn);
  }

  readonly #turn = () => {
    const nowMillis = performance.now();
    let replies = 0;
    for (const sender of this.#senders) {
      if (sender.hasReplies) replies += sender.receive(nowMillis);
    }
    if (replies > 0) {
      this.#batching = true;
      this.#quietRounds = 0;
      queueMicrotask(this.#endRound);
    }
    if (replies > 1) {
      inNextTurn(this.#turn); // where many have come, more are on their way
      return;
    }
    this.#looking = false;
    this.#listen();
  };

  /** A thread was sent something. It is woken at once, unless more is likely to follow. */
  sent(sender: Sender): void {
    if (this.#batching) this.#unwoken.add(sender);
    else sender.wake();
  }

  readonly #endRound = () => {
    if (this.#unwoken.size === 0) this.#quietRounds++;
    else this.#quietRounds = 0;
    for (const sender of this.#unwoken) sender.wake();
    this.#unwoken.clear();
    if (this.#quietRounds < QUIET_ROUNDS) queueMicrotask(this.#endRound);
    else this.#batching = false;
  };

  #listen(): void {
    if (this.#senders.size === 0) return;
    this.#bell.listen();
    for (const sender of this.#senders) {
      if (sender.hasReplies) {
        this.look();
        return;
      }
    }
    this.#releaseSoon();
    if (this.wakesByMessage) return; // the message is told by `look`
    if (this.#waits) return;
    const rung = this.#bell.whenRung();
    if (rung === undefined) {
      this.look();
      return;
    }
    this.#waits = true;
    rung.then(this.#onRung);
  }

  /** A thread has rung, by a message. */
  rang(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#turn();
  }

  readonly #onRung = () => {
    this.#waits = false;
    if (this.#looking) return;
    this.#looking = true;
    this.#turn();
  };

  #releaseSoon(): void {
    if (this.#holdTimer !== undefined) return;
    this.#holdTimer = backgroundTimer(() => {
      this.#holdTimer = undefined;
      for (const sender of this.#senders) sender.letGo();
    }, HOLD_MILLIS);
  }
}
