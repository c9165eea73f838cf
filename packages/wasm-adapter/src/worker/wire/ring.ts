/*
 * The memory that the main thread and one worker thread share. Requests and replies are numbers of
 * slots in two queues, each written by one side and read by the other. A slot holds one request, and
 * later its reply:
 *
 *   main thread                                                  worker thread
 *   free slot ──offer──▶ requests: 7 3 9 … ──next──▶ claim ──▶ runs ──reply──▶ replies: 3 7 …
 *       ▲                                                                          │
 *       └──────────────────────────────── take ◀───────────────────────────────────┘
 *
 * The state of a slot decides who has it: OFFERED ──claim──▶ BEGUN, or OFFERED ──revoke──▶ REVOKED,
 * by one compare-and-exchange, so that a call that is taken back never runs. A slot is free again only
 * when its number has come back through the replies.
 */

import { threadMemory } from '../../platform/shared-memory.js';

const SLOT_BYTES = 1024;
/** The values of a slot begin behind its words, their kinds, and two numbers of 8 bytes. */
const HEADER_BYTES = 88;

/** The most values in one slot: each has a byte for its kind. */
export const MAX_VALUES = 16;

/** The words of a slot, 4 bytes each. */
export const word = {
  state: 0,
  op: 1,
  /** The instance that is meant. */
  target: 2,
  task: 3,
  flags: 4,
  /** How many values there are. */
  count: 5,
  /** The main thread asks the task to stop: one of `abort`. */
  aborted: 6,
  /** The task has looked at its signal. */
  listens: 7,
  /** `FIT`, or the number of the message with the verdict. */
  verdict: 12,
  /** The number of the message with the values that do not fit; 0: there is none. */
  message: 13,
} as const;

const KINDS_AT = 56;
/** The numbers of 8 bytes in a slot, counted in those. */
const START_MILLIS = 9;
const MEMORY_BYTES = 10;

export const state = { free: 0, offered: 1, begun: 2, revoked: 3, replied: 4 } as const;

export const op = { call: 0, load: 1, make: 2, judge: 3, drop: 4, end: 5 } as const;

export const flag = { ownsLoan: 1, hasContext: 2, timed: 4, threw: 8, streams: 16 } as const;

/** The verdict that an instance is fit for a further loan. */
export const FIT = 0;

/** Why a task is to stop: codes of `word.aborted`. */
export const abort = { no: 0, signal: 1, timeout: 2 } as const;

/** What the number in the reply queue says of its slot, in the bits above the slot's number. */
export const reply = {
  /** The reply is whole. */
  final: 0,
  /** The result is there; the verdict follows. */
  result: 1 << 24,
  /** The verdict, after a result. */
  verdict: 2 << 24,
  /** The request was not begun, and will not be. */
  returned: 3 << 24,
} as const;
const SLOT_MASK = (1 << 24) - 1;

/** Control words, each in a cache line of its own. */
const LINE = 16;
const THREAD_STATE = 0;
const REQUEST_HEAD = LINE;
const REQUEST_TAIL = 2 * LINE;
const REPLY_HEAD = 3 * LINE;
const REPLY_TAIL = 4 * LINE;
const OUTPUT_POSTED = 5 * LINE;
const OUTPUT_TAKEN = 6 * LINE;
const HOST_POSTED = 7 * LINE;
const HOST_REPLIED = 8 * LINE;
const CONTROL_WORDS = 9 * LINE;

const AWAKE = 0;
const WAITS = 1;

const { add, compareExchange, load, notify, store, wait } = Atomics;

/** What a ring is made of, to be posted to the other thread. */
export interface RingMemory {
  readonly words: Int32Array<ArrayBufferLike>;
  /** Says whether the main thread waits; all threads of a pool share it. */
  readonly bell: Int32Array<ArrayBufferLike>;
  readonly slots: number;
  readonly wakesByMessage: boolean;
}

/** Memory for a ring of so many slots, which is a power of two. */
export function ringMemory(
  slots: number,
  bell: Int32Array<ArrayBufferLike>,
  wakesByMessage: boolean,
): RingMemory {
  // Each slot may be in the replies twice: with its result, and with its verdict.
  const bytes = 4 * (CONTROL_WORDS + 4 * slots) + slots * SLOT_BYTES;
  return { words: new Int32Array(threadMemory(bytes)), bell, slots, wakesByMessage };
}

/** What both ends of a ring know. */
class Ring {
  readonly words: Int32Array<ArrayBufferLike>;
  readonly doubles: Float64Array<ArrayBufferLike>;
  readonly longs: BigInt64Array<ArrayBufferLike>;
  readonly chars: Uint16Array<ArrayBufferLike>;
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly slots: number;
  protected readonly bell: Int32Array<ArrayBufferLike>;
  protected readonly mask: number;
  protected readonly requests = CONTROL_WORDS;
  protected readonly replies: number;
  readonly #firstByte: number;

  constructor({ words, bell, slots }: RingMemory) {
    const { buffer } = words;
    this.words = words;
    this.doubles = new Float64Array(buffer);
    this.longs = new BigInt64Array(buffer);
    this.chars = new Uint16Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.slots = slots;
    this.bell = bell;
    this.mask = 2 * slots - 1;
    this.replies = CONTROL_WORDS + 2 * slots;
    this.#firstByte = 4 * (CONTROL_WORDS + 4 * slots);
  }

  /** Where a slot begins, in bytes. */
  byteOf(slot: number): number {
    return this.#firstByte + slot * SLOT_BYTES;
  }

  /** Where the kinds of a slot's values begin, in bytes. */
  kindsOf(slot: number): number {
    return this.byteOf(slot) + KINDS_AT;
  }

  /** Where the values of a slot begin and end, in bytes. */
  payloadOf(slot: number): number {
    return this.byteOf(slot) + HEADER_BYTES;
  }

  endOf(slot: number): number {
    return this.byteOf(slot) + SLOT_BYTES;
  }

  get(slot: number, which: number): number {
    return this.words[(this.byteOf(slot) >> 2) + which] as number;
  }

  set(slot: number, which: number, value: number): void {
    this.words[(this.byteOf(slot) >> 2) + which] = value;
  }

  /** The same for a word that the other side may change at any time. */
  getShared(slot: number, which: number): number {
    return load(this.words, (this.byteOf(slot) >> 2) + which);
  }

  setShared(slot: number, which: number, value: number): void {
    store(this.words, (this.byteOf(slot) >> 2) + which, value);
  }

  /** The words and values of a slot. */
  protected contentOf(slot: number): Uint8Array<ArrayBufferLike> {
    const start = this.byteOf(slot);
    return this.bytes.subarray(start, start + SLOT_BYTES);
  }

  protected swapState(slot: number, from: number, to: number): boolean {
    return compareExchange(this.words, this.byteOf(slot) >> 2, from, to) === from;
  }

  /** When the task began, on the clock of `performance.timeOrigin + performance.now()`. */
  startMillis(slot: number): number {
    return this.doubles[(this.byteOf(slot) >> 3) + START_MILLIS] as number;
  }

  setStartMillis(slot: number, millis: number): void {
    this.doubles[(this.byteOf(slot) >> 3) + START_MILLIS] = millis;
  }

  memoryBytes(slot: number): number {
    return this.doubles[(this.byteOf(slot) >> 3) + MEMORY_BYTES] as number;
  }

  setMemoryBytes(slot: number, bytes: number): void {
    this.doubles[(this.byteOf(slot) >> 3) + MEMORY_BYTES] = bytes;
  }
}

/** Whether both ends of a ring see the same memory. */
export function isShared({ words }: RingMemory): boolean {
  return !(words.buffer instanceof ArrayBuffer);
}

/** The main thread's end. What it reads was written by the worker thread, and may be anything. */
export class HostEnd extends Ring {
  /** Free slots; the last one is used first, for it is in the processor's cache. */
  readonly #free: number[] = [];
  /** The most requests of an instance that the thread may have: one where none can be taken back. */
  readonly mostSent: number = 64;
  #tail = 0;
  #replyHead = 0;
  #outputTaken = 0;
  #hostTaken = 0;

  constructor(memory: RingMemory) {
    super(memory);
    for (let slot = memory.slots - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  /** A slot to write a request to; undefined where all are in use. */
  allocate(): number | undefined {
    return this.#free.pop();
  }

  free(slot: number): void {
    this.setShared(slot, word.state, state.free);
    this.#free.push(slot);
  }

  /** Offers a request to the thread, behind all others. `wake` has it looked at. */
  offer(slot: number): void {
    this.setShared(slot, word.state, state.offered);
    this.words[this.requests + (this.#tail & this.mask)] = slot;
    store(this.words, REQUEST_TAIL, ++this.#tail);
  }

  /** Wakes the thread where it waits in memory. Returns whether it did. */
  wake(): boolean {
    if (load(this.words, THREAD_STATE) === AWAKE) return false;
    if (compareExchange(this.words, THREAD_STATE, WAITS, AWAKE) !== WAITS) return false;
    notify(this.words, THREAD_STATE);
    return true;
  }

  /** Takes a request back. Returns false where the thread has begun it. */
  revoke(slot: number): boolean {
    return this.swapState(slot, state.offered, state.revoked);
  }

  /** Notes that the thread has begun a request. */
  protected begin(slot: number): void {
    this.swapState(slot, state.offered, state.begun);
  }

  isBegun(slot: number): boolean {
    return this.getShared(slot, word.state) >= state.begun;
  }

  get hasReplies(): boolean {
    return (
      load(this.words, REPLY_TAIL) !== this.#replyHead ||
      load(this.words, HOST_POSTED) !== this.#hostTaken ||
      load(this.words, OUTPUT_POSTED) !== this.#outputTaken
    );
  }

  /** How many replies there are; more than can be is a fault of the thread. */
  get replyCount(): number {
    return (load(this.words, REPLY_TAIL) - this.#replyHead) | 0;
  }

  /** Takes the next reply: a slot, and one of `reply`. Returns -1 where its number makes no sense. */
  takeReply(): number {
    const next = this.words[this.replies + (this.#replyHead & this.mask)] as number;
    store(this.words, REPLY_HEAD, ++this.#replyHead);
    return (next & SLOT_MASK) < this.slots && next >= 0 ? next : -1;
  }

  /** The slot of the next reply, and one of `reply`; there has to be one. */
  get nextReply(): number {
    return this.words[this.replies + (this.#replyHead & this.mask)] as number;
  }

  /** Puts a reply behind all others, as the thread does. */
  protected addReply(next: number): void {
    const tail = load(this.words, REPLY_TAIL);
    this.words[this.replies + (tail & this.mask)] = next;
    store(this.words, REPLY_TAIL, tail + 1);
  }

  /** How many messages with calls of host functions have not been taken. */
  get hostCalls(): number {
    return (load(this.words, HOST_POSTED) - this.#hostTaken) | 0;
  }

  hostCallTaken(): void {
    this.#hostTaken = (this.#hostTaken + 1) | 0;
  }

  /** Tells the thread that a host function has answered, by a message that was posted. */
  hostReplied(): void {
    add(this.words, HOST_REPLIED, 1);
    notify(this.words, HOST_REPLIED);
    this.wake();
  }

  /** Where the thread's output ends so far, and where what was taken of it ends, in bytes. */
  get outputEnds(): { readonly posted: number; readonly taken: number } {
    return { posted: load(this.words, OUTPUT_POSTED), taken: this.#outputTaken };
  }

  /** Whether output was posted and not taken. */
  get hasOutput(): boolean {
    return load(this.words, OUTPUT_POSTED) !== this.#outputTaken;
  }

  outputTaken(bytes: number): void {
    this.#outputTaken = (this.#outputTaken + bytes) | 0;
    store(this.words, OUTPUT_TAKEN, this.#outputTaken);
    notify(this.words, OUTPUT_TAKEN);
  }
}

/** The most output that a thread may be ahead of the main thread, in bytes, before a write blocks. */
const OUTPUT_BYTES_AHEAD = 1 << 20;

/** The worker thread's end. */
export class ThreadEnd extends Ring {
  readonly #wakeByMessage: (() => void) | undefined;
  #head = 0;
  #replyTail = 0;
  #outputPosted = 0;

  /** @param wakeByMessage wakes the main thread where it cannot wait in memory */
  constructor(memory: RingMemory, wakeByMessage: () => void) {
    super(memory);
    this.#wakeByMessage = memory.wakesByMessage ? wakeByMessage : undefined;
  }

  get requestCount(): number {
    return (load(this.words, REQUEST_TAIL) - this.#head) | 0;
  }

  /** The slot of the next request; there has to be one. */
  get first(): number {
    return this.words[this.requests + (this.#head & this.mask)] as number;
  }

  /** Takes the next request. */
  next(): number {
    const slot = this.first;
    store(this.words, REQUEST_HEAD, ++this.#head);
    return slot;
  }

  /** Puts a request behind all others, as the main thread does. */
  protected addRequest(slot: number): void {
    const tail = load(this.words, REQUEST_TAIL);
    this.words[this.requests + (tail & this.mask)] = slot;
    store(this.words, REQUEST_TAIL, tail + 1);
  }

  /** Begins a request. Returns false where it was taken back. */
  claim(slot: number): boolean {
    return this.swapState(slot, state.offered, state.begun);
  }

  /** Tells the main thread about a slot: `what` is one of `reply`. */
  reply(slot: number, what: number): void {
    this.words[this.replies + (this.#replyTail & this.mask)] = slot | what;
    store(this.words, REPLY_TAIL, ++this.#replyTail);
    this.#wakeMain();
  }

  #wakeMain(): void {
    if (load(this.bell, 0) === AWAKE) return;
    if (compareExchange(this.bell, 0, WAITS, AWAKE) !== WAITS) return;
    if (this.#wakeByMessage === undefined) notify(this.bell, 0);
    else this.#wakeByMessage();
  }

  /** Blocks until there is a request, or for so long. Returns whether there is one. */
  waitForRequest(millis: number): boolean {
    store(this.words, THREAD_STATE, WAITS);
    if (this.requestCount === 0) wait(this.words, THREAD_STATE, WAITS, millis);
    store(this.words, THREAD_STATE, AWAKE);
    return this.requestCount > 0;
  }

  /**
   * Resolves when there may be something to do; undefined where there is already. While it is
   * waited for, the event loop turns.
   */
  whenWoken(): Promise<unknown> | undefined {
    store(this.words, THREAD_STATE, WAITS);
    if (this.requestCount === 0) {
      const { value } = Atomics.waitAsync(this.words, THREAD_STATE, WAITS);
      if (typeof value !== 'string') return value;
    }
    store(this.words, THREAD_STATE, AWAKE);
    return undefined;
  }

  /** The event loop has work of its own: the thread needs no waking until it waits again. */
  setAwake(): void {
    store(this.words, THREAD_STATE, AWAKE);
  }

  /** How often a host function has answered so far. */
  get hostReplies(): number {
    return load(this.words, HOST_REPLIED);
  }

  /** Tells the main thread about a message with a call of a host function. */
  hostCalled(): void {
    add(this.words, HOST_POSTED, 1);
    this.#wakeMain();
  }

  /** Blocks until a host function answers, unless one has since there were so many answers. */
  waitForHost(replies: number): void {
    wait(this.words, HOST_REPLIED, replies);
  }

  /** Tells the main thread about a message with output. Blocks while that is far behind. */
  outputPosted(bytes: number): void {
    this.#outputPosted = (this.#outputPosted + bytes) | 0;
    store(this.words, OUTPUT_POSTED, this.#outputPosted);
    this.#wakeMain();
    for (;;) {
      const taken = load(this.words, OUTPUT_TAKEN);
      if (((this.#outputPosted - taken) | 0) <= OUTPUT_BYTES_AHEAD) return;
      wait(this.words, OUTPUT_TAKEN, taken);
    }
  }
}

/** The main thread's side of the bell that all threads of a pool ring. */
export class Bell {
  readonly word: Int32Array<ArrayBufferLike> = new Int32Array(threadMemory(4));

  /** Has the threads ring from now on. What they have told before is to be looked for afterwards. */
  listen(): void {
    store(this.word, 0, WAITS);
  }

  /** Has them ring no more: the main thread is awake. */
  ignore(): void {
    store(this.word, 0, AWAKE);
  }

  /** Resolves when it has rung since `listen`; undefined where it has already. */
  whenRung(): Promise<unknown> | undefined {
    const { value } = Atomics.waitAsync(this.word, 0, WAITS);
    return typeof value === 'string' ? undefined : value;
  }
}
