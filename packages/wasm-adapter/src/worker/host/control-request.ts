import type { Judgement } from '../../instance/judgement.js';
import { deserializeError, type SerializedThrow } from '../wire/serialized-error.js';
import type { SlotReply, SlotRequest, Thread } from './thread.js';

/** A request that is no call: to make an instance, to judge it, and so on. */
export class ControlRequest<Answer> implements SlotRequest {
  slot = -1;
  readonly promise: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly #answerOf: (reply: SlotReply) => Answer;

  /** @param answerOf picks the answer from a reply, which must not be kept */
  constructor(answerOf: (reply: SlotReply) => Answer) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
    this.#answerOf = answerOf;
    promise.catch(() => {}); // nobody need wait for it
  }

  /** Sends it as soon as there is room. */
  sendTo(thread: Thread, operation: number, target: number): void {
    if (thread.ended || thread.send(this, operation, target)) return;
    thread.whenRoom(() => this.sendTo(thread, operation, target));
  }

  replied(reply: SlotReply): void {
    if (reply.threw) this.reject(deserializeError(reply.value as SerializedThrow));
    else this.resolve(this.#answerOf(reply));
  }

  judged(_verdict: Judgement): void {}

  returned(): void {
    this.reject(new Error('the thread has no such instance'));
  }
}
