import { cloneError } from '../wire/move.js';
import { op } from '../wire/ring.js';
import type { Call } from './call.js';
import type { Thread } from './thread.js';

/** The calls that an instance has been given and its thread has not answered: they run in this order. */
export class Pipeline {
  readonly #thread: () => Thread;
  readonly #target: number;
  readonly #taskOf: (name: string) => number;
  /** The first of them is under way, or next; the others wait on the thread. */
  readonly #sent: Call[] = [];
  #unsent: Call[] = [];
  #flushing = false;

  /**
   * @param target the id of the instance
   * @param taskOf the number under which the thread knows a name
   */
  constructor(thread: () => Thread, target: number, taskOf: (name: string) => number) {
    this.#thread = thread;
    this.#target = target;
    this.#taskOf = taskOf;
  }

  get length(): number {
    return this.#sent.length + this.#unsent.length;
  }

  /** The call that is under way, or that the thread will begin next. */
  get current(): Call | undefined {
    return this.#sent[0];
  }

  add(call: Call): void {
    this.#unsent.push(call);
  }

  /** Sends the calls that there is room for. */
  flush(): void {
    if (this.#flushing) return; // by an argument that makes a call while it is cloned
    this.#flushing = true;
    while (this.#sendNext());
    this.#flushing = false;
  }

  /** Returns whether a further one may be sent. */
  #sendNext(): boolean {
    const [next] = this.#unsent;
    const thread = this.#thread();
    if (next === undefined || this.#sent.length >= thread.ring.mostSent) return false;
    // What is moved is gone, and could not be sent elsewhere if a call before this one is killed.
    if (this.#sent.length > 0 && next.moves.length > 0) return false;
    this.#unsent.shift();
    if (next.settled) return true; // aborted since
    this.#sent.push(next); // at once: while an argument is cloned, its call may be aborted
    try {
      const parts = {
        task: this.#taskOf(next.name),
        args: next.args,
        moves: next.moves,
        context: next.settings.context,
        ownsLoan: next.ownsLoan,
        isTimed: next.callTimeoutMillis > 0,
      };
      if (thread.send(next, op.call, this.#target, parts)) {
        if (next.settled && !this.#sent.includes(next) && !thread.revoke(next)) {
          this.#sent.push(next); // aborted while it was cloned, and begun by now
        }
        return true;
      }
    } catch (cause) {
      this.#drop(next);
      next.reject(cloneError(`an argument or the context of ${next.name}`, cause));
      return true;
    }
    this.#drop(next);
    this.#unsent.unshift(next);
    thread.whenRoom(() => this.flush());
    return false;
  }

  #drop(call: Call): void {
    const at = this.#sent.indexOf(call);
    if (at !== -1) this.#sent.splice(at, 1);
  }

  /** The current call is over. */
  shift(): Call | undefined {
    return this.#sent.shift();
  }

  /** Takes back all calls except the first `kept`. Calls that the thread has begun stay. */
  withdraw(kept: number): Call[] {
    const thread = this.#thread();
    const back: Call[] = [];
    for (const call of this.#sent.splice(kept)) {
      if (call.moves.length === 0 && thread.revoke(call)) back.push(call);
      else this.#sent.push(call);
    }
    back.push(...this.#unsent);
    this.#unsent = [];
    return back;
  }

  /** Takes a call back. Returns false where the thread has begun it. */
  remove(call: Call): boolean {
    const at = this.#sent.indexOf(call);
    if (at === -1) return true; // it is passed over when its turn comes to be sent
    if (call.slot !== -1 && !this.#thread().revoke(call)) return false;
    this.#sent.splice(at, 1);
    return true;
  }

  /** The thread has given a call back, for its instance is gone. */
  unsend(call: Call): void {
    this.#drop(call);
    this.#unsent.unshift(call);
  }

  /** Empties itself of all that was sent. */
  takeSent(): Call[] {
    return this.#sent.splice(0);
  }
}
