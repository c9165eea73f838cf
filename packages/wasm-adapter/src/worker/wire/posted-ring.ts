/*
 * The ends of a ring where threads share no memory: each has memory of its own, and posts what it changes
 * in a slot to the other, by the port that letters go by, and in one order with them. A request that was
 * posted cannot be taken back. No thread can be blocked to wait for another.
 */
import { WasmError } from '../../errors.js';
import { abort, HostEnd, type RingMemory, ThreadEnd, word } from './ring.js';

/** What a change of a slot is posted as, behind the number 0 of such letters. */
export const CHANGE = 'slot';

type Change =
  | readonly [what: 'request', slot: number, content: Uint8Array]
  | readonly [what: 'reply', next: number, content: Uint8Array]
  | readonly [what: 'begun', slot: number, startMillis: number]
  | readonly [what: 'listens', slot: number]
  | readonly [what: 'aborted', slot: number, why: number];

type Post = (letter: unknown[], transfer: ArrayBuffer[]) => void;

/** The reply queue has numbers of slots with a code above. */
const SLOT_MASK = (1 << 24) - 1;

/** The main thread's end. */
export class PostedHostEnd extends HostEnd {
  override readonly mostSent = 1;
  readonly #post: Post;

  constructor(memory: RingMemory, post: Post) {
    super(memory);
    this.#post = post;
  }

  override offer(slot: number): void {
    super.offer(slot);
    const content = this.contentOf(slot).slice();
    send(this.#post, ['request', slot, content], content);
  }

  override setShared(slot: number, which: number, value: number): void {
    super.setShared(slot, which, value);
    if (which === word.aborted && value !== abort.no) send(this.#post, ['aborted', slot, value]);
  }

  /** It was posted: whether the thread has begun it, nobody knows. */
  override revoke(): boolean {
    return false;
  }

  override wake(): boolean {
    return false; // the message does
  }

  override hostCallTaken(): void {}
  override hostReplied(): void {}
  override outputTaken(): void {}

  /** The thread has changed a slot. */
  change([what, number, ...rest]: readonly unknown[]): void {
    const slot = Number(number) & SLOT_MASK;
    if (slot >= this.slots) throw new RangeError('a change of a slot that there is not');
    const [given] = rest;
    switch (what) {
      case 'reply':
        if (!(given instanceof Uint8Array)) throw new TypeError('a reply that is no bytes');
        this.contentOf(slot).set(given);
        this.addReply(Number(number));
        return;
      case 'begun':
        this.begin(slot);
        this.setStartMillis(slot, Number(given));
        return;
      case 'listens':
        super.setShared(slot, word.listens, 1);
    }
  }
}

/** The worker thread's end. */
export class PostedThreadEnd extends ThreadEnd {
  readonly #post: Post;

  constructor(memory: RingMemory, post: Post) {
    super(memory, () => {});
    this.#post = post;
  }

  override claim(slot: number): boolean {
    const startMillis = performance.timeOrigin + performance.now();
    send(this.#post, ['begun', slot, startMillis]);
    return super.claim(slot);
  }

  override setShared(slot: number, which: number, value: number): void {
    super.setShared(slot, which, value);
    if (which === word.listens) send(this.#post, ['listens', slot]);
  }

  override reply(slot: number, what: number): void {
    const content = this.contentOf(slot).slice();
    send(this.#post, ['reply', slot | what, content], content);
  }

  override waitForRequest(): boolean {
    return false;
  }

  /** The messages that bring requests wake the thread themselves. */
  override whenWoken(): Promise<unknown> | undefined {
    return this.requestCount > 0 ? undefined : new Promise(() => {});
  }

  override hostCalled(): void {}
  override outputPosted(): void {}

  override waitForHost(): void {
    const message =
      'a host function was called as one that blocks its thread, and the threads of this page share no memory; accepted: hostsLater, whose functions give promises, or a page that is cross-origin isolated';
    throw new WasmError('ERR_WASM_PLATFORM', message);
  }

  /** The main thread has changed a slot. */
  change([what, slot, given]: readonly unknown[]): void {
    if (what === 'request') {
      this.contentOf(slot as number).set(given as Uint8Array);
      this.addRequest(slot as number);
    } else super.setShared(slot as number, word.aborted, given as number);
  }
}

function send(by: Post, change: Change, moved?: Uint8Array<ArrayBufferLike>): void {
  by([0, CHANGE, ...change], moved === undefined ? [] : [moved.buffer as ArrayBuffer]);
}
