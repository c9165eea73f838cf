import type { Transferable } from 'node:worker_threads';
import { cloneError } from '../wire/move.js';
import type { Call } from './call.js';
import type { Thread } from './thread.js';

/** The calls that a thread has been given and has not answered: it runs them in this order. */
export class Pipeline {
  readonly #thread: Thread;
  /** The first of them is under way; the others wait on the thread. */
  readonly #sent: Call[] = [];
  readonly #unsent: Call[] = [];
  #flushing = false;

  constructor(thread: Thread) {
    this.#thread = thread;
  }

  get length(): number {
    return this.#sent.length + this.#unsent.length;
  }

  /** The call that is under way. */
  get current(): Call | undefined {
    return this.#sent[0];
  }

  add(call: Call): void {
    this.#unsent.push(call);
  }

  /** Sends what there is room for. */
  flush(): void {
    if (this.#flushing) return; // by an argument that makes a call while it is cloned
    this.#flushing = true;
    while (this.#flushBatch()); // where none of one can be posted, there is room for others
    this.#flushing = false;
  }

  /** Sends, in one message, what there is room for; says whether there was anything. */
  #flushBatch(): boolean {
    const batch: Call[] = [];
    let moves: Transferable[] = [];
    const { ledger: claims } = this.#thread;
    for (;;) {
      const [next] = this.#unsent;
      const [oldest] = this.#sent;
      if (next === undefined || (oldest !== undefined && !claims.isRoomBeside(oldest.number)))
        break;
      // What is moved is gone, and could not be sent elsewhere if a call before this one is killed.
      if (next.moves.length > 0 && this.#sent.length > 0) break;
      this.#unsent.shift();
      if (next.settled) continue; // aborted since
      moves = next.moves.length > 0 ? next.moves : moves;
      next.number = claims.offer();
      this.#sent.push(next);
      batch.push(next);
    }
    if (batch.length > 0) this.#post(batch, moves);
    return batch.length > 0;
  }

  #post(batch: readonly Call[], moves: Transferable[]): void {
    try {
      this.#thread.post(
        batch.map((call) => call.request()),
        moves,
      );
    } catch (cause) {
      const [call, ...others] = batch as readonly [Call, ...Call[]];
      if (others.length > 0) {
        for (const one of batch) this.#post([one], one.moves);
        return;
      }
      this.remove(call);
      call.reject(cloneError(`an argument or the context of ${call.name}`, cause));
    }
  }

  /** The current call was answered. */
  shift(): Call | undefined {
    return this.#sent.shift();
  }

  /** Takes back what the thread has not started, but for the current call. */
  withdraw(): Call[] {
    const [current, ...others] = this.#sent.splice(0);
    if (current === undefined) return this.#unsent.splice(0);
    const { ledger: claims } = this.#thread;
    const started = others.filter((call) => !claims.revoke(call.number));
    this.#sent.push(current, ...started);
    return [...others.filter((call) => !started.includes(call)), ...this.#unsent.splice(0)];
  }

  /** Takes a call back: false where the thread has started it, or may at any moment. */
  remove(call: Call): boolean {
    const at = this.#sent.indexOf(call);
    if (at === -1) return true; // it is passed over when its turn comes to be sent
    if (!this.#thread.ledger.revoke(call.number)) return false;
    this.#sent.splice(at, 1);
    return true;
  }

  /** The thread will start none of those that it was sent: they are to be sent anew. */
  unsend(): void {
    this.#unsent.unshift(...this.#sent.splice(0));
  }

  /** Empties itself of all that was sent. */
  takeSent(): Call[] {
    return this.#sent.splice(0);
  }
}
