import type { Judgement } from '../../instance/judgement.js';
import {
  letGoOf,
  listenTo,
  type MessagePort,
  openChannel,
  receivesAtOnce,
  type Spawn,
  spawnThread,
  type Transferable,
  type Worker,
} from '../../platform/threads.js';
import { answerMemory, sendAnswer } from '../wire/answer-line.js';
import { type Letter, Mailbox } from '../wire/mailbox.js';
import { END, type ThreadData } from '../wire/messages.js';
import { cloneError } from '../wire/move.js';
import { ownBytes } from '../wire/own-bytes.js';
import { CHANGE, PostedHostEnd } from '../wire/posted-ring.js';
import { abort, FIT, flag, HostEnd, isShared, reply, ringMemory, word } from '../wire/ring.js';
import {
  deserializeError,
  type SerializedThrow,
  serializeError,
} from '../wire/serialized-error.js';
import { SlotReader, SlotWriter } from '../wire/values.js';
import type { Inbox, Sender } from './inbox.js';

const FIT_AGAIN = [true] as const;

/** What a slot of the ring is used for. */
export interface SlotRequest {
  /** The slot; -1 while it has none. */
  slot: number;
  /** The thread has answered. The verdict is undefined where it follows. */
  replied(reply: SlotReply): void;
  /** The verdict that follows an answer. */
  judged(verdict: Judgement, cause: SerializedThrow | undefined): void;
  /** The thread has not begun it, and will not. */
  returned(): void;
}

/** One answer. The same object is used for all: it holds until the next one is received. */
export interface SlotReply {
  readonly threw: boolean;
  /** Whether the value is a port, by which the result is read bit by bit. */
  readonly streams: boolean;
  /** The result, or a `SerializedThrow`. */
  readonly value: unknown;
  readonly memoryBytes: number;
  readonly verdict: Judgement | undefined;
  /** What made the instance unfit, where that is not what the call threw. */
  readonly cause: SerializedThrow | undefined;
  /** When it was received, by `performance.now()`. */
  readonly nowMillis: number;
}

/** What is sent to a thread, beyond the request itself. */
export interface CallParts {
  readonly task: number;
  readonly args: readonly unknown[];
  readonly moves: Transferable[];
  readonly context: unknown;
  readonly ownsLoan: boolean;
  readonly isTimed: boolean;
}

/** An instance on a thread, or one that is being made there. */
export interface ThreadOwner {
  /** The thread is about to go: nothing more is to be given to it. `threadEnded` follows. */
  threadEnds(cause: unknown): void;

  /** The thread is gone, or about to go, and not for something that this owner did; `why` in words. */
  threadEnded(cause: unknown, why?: string): void;
}

/** Where a thread's output and calls of host functions go. */
export interface ThreadOutlet {
  write(descriptor: 1 | 2, bytes: Uint8Array): void;
  /** Calls a host function. Rejects with what it threw. */
  callHost(name: string, args: readonly unknown[]): Promise<HostAnswer>;
}

/** The answer of a host function, as it is posted. */
export interface HostAnswer {
  readonly succeeded: boolean;
  readonly value: unknown;
  readonly moves: Transferable[];
}

/** What a thread is started with, but for what connects it. */
export type ThreadSettings = Omit<ThreadData, 'port' | 'ring' | 'answers'>;

/** The most letters that are sorted at once, so that a thread that floods this one holds nobody up. */
const MOST_LETTERS = 1000;

/** A worker thread, and the memory and the port through which it is talked to. */
export class Thread implements Sender {
  readonly owners = new Set<ThreadOwner>();
  readonly name: string;
  /** It has loaded its tasks. */
  loaded = false;
  /** What the tasks have to do before the thread ends is asked for. */
  endsItself = false;
  readonly ring: HostEnd;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answers: Int32Array<ArrayBufferLike> | undefined;
  readonly #inbox: Inbox;
  readonly #outlet: ThreadOutlet;
  readonly #mailbox: Mailbox;
  readonly #reader: SlotReader;
  readonly #writer: SlotWriter;
  readonly #requests: (SlotRequest | undefined)[];
  readonly #whenRoom = new Set<() => void>();
  readonly #exit = Promise.withResolvers<void>();
  readonly #reply = {
    threw: false,
    streams: false,
    value: undefined as unknown,
    memoryBytes: 0,
    verdict: true as Judgement | undefined,
    cause: undefined as SerializedThrow | undefined,
    nowMillis: 0,
  };
  #lastMessage = 0;
  /** A reply is there, and what belongs to it is still on its way. */
  #isIncomplete = false;
  /** Where the output ends that was written before the next reply, in bytes. */
  #outputBefore: number | undefined = undefined;
  /** How many requests have no answer. */
  #awaited = 0;
  #heldAlive = true;
  #ended = false;
  #error: unknown = undefined;

  constructor(
    spawn: Spawn,
    name: string,
    settings: ThreadSettings,
    slots: number,
    inbox: Inbox,
    outlet: ThreadOutlet,
  ) {
    this.name = name;
    const { port1, port2 } = openChannel();
    const memory = ringMemory(slots, inbox.bell, inbox.wakesByMessage);
    const answers = !receivesAtOnce && isShared(memory) ? answerMemory() : undefined;
    const wasmPool: ThreadData = { ...settings, port: port2, ring: memory, answers };
    try {
      this.#worker = spawnThread(spawn, {
        name,
        workerData: { wasmPool },
        transferList: [port2 as Transferable],
      });
    } catch (error) {
      port1.close();
      throw error;
    }
    this.#port = port1;
    this.#answers = answers;
    this.#inbox = inbox;
    this.#outlet = outlet;
    this.ring = isShared(memory)
      ? new HostEnd(memory)
      : new PostedHostEnd(memory, port1.postMessage.bind(port1));
    this.#requests = new Array<SlotRequest | undefined>(slots).fill(undefined);
    this.#mailbox = new Mailbox(port1, (letter) => this.#deliver(letter));
    this.#reader = new SlotReader(this.ring);
    this.#writer = new SlotWriter(this.ring);
    if (inbox.wakesByMessage || !receivesAtOnce) {
      const receive = (letter: unknown) => {
        this.#isIncomplete = false;
        this.#safely(() => this.#mailbox.put(letter));
        inbox.rang();
      };
      const fail = (cause: unknown) => this.#safely(() => throwIt(cause));
      listenTo(port1, receive, fail);
      letGoOf(port1);
    }
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', (code) => this.#onExit(code));
    inbox.add(this);
  }

  /** Resolves when the thread is gone. */
  get exit(): Promise<void> {
    return this.#exit.promise;
  }

  get id(): number {
    return this.#worker.threadId;
  }

  /** Whether it is gone, or about to go. */
  get ended(): boolean {
    return this.#ended;
  }

  get hasReplies(): boolean {
    return !this.#ended && !this.#isIncomplete && this.ring.hasReplies;
  }

  /** The process stays alive while a reply is expected. */
  #holdAlive(): void {
    if (this.#heldAlive) return;
    this.#heldAlive = true;
    this.#worker.ref();
  }

  letGo(): void {
    if (!this.#heldAlive || this.#awaited > 0 || this.#ended) return;
    this.#heldAlive = false;
    this.#worker.unref();
  }

  /**
   * Sends a request for an instance, behind all others. Returns false where there is no room: `whenRoom`
   * says when there is. Throws where a part cannot be cloned, or moved.
   */
  send(request: SlotRequest, operation: number, target: number, call?: CallParts): boolean {
    const { ring } = this;
    const slot = ring.allocate();
    if (slot === undefined) return false;
    ring.set(slot, word.op, operation);
    ring.set(slot, word.target, target);
    ring.set(slot, word.message, 0);
    ring.set(slot, word.verdict, FIT);
    ring.setShared(slot, word.aborted, abort.no);
    ring.setShared(slot, word.listens, 0);
    if (call !== undefined) {
      try {
        this.#writeCall(slot, call);
      } catch (error) {
        ring.free(slot);
        throw error;
      }
    }
    request.slot = slot;
    this.#requests[slot] = request;
    this.#awaited++;
    ring.offer(slot);
    this.#inbox.sent(this);
    this.#holdAlive();
    return true;
  }

  #writeCall(slot: number, call: CallParts): void {
    const { ring } = this;
    const { task, args, moves, context, ownsLoan, isTimed } = call;
    const hasContext = context !== undefined;
    ring.set(slot, word.task, task);
    ring.set(
      slot,
      word.flags,
      (ownsLoan ? flag.ownsLoan : 0) |
        (hasContext ? flag.hasContext : 0) |
        (isTimed ? flag.timed : 0),
    );
    if (isTimed) ring.setStartMillis(slot, 0);
    ring.set(slot, word.count, args.length + (hasContext ? 1 : 0));
    if (moves.length === 0 && this.#writeValues(slot, args, hasContext, context)) return;
    const number = ++this.#lastMessage;
    const values = hasContext ? [...args, context] : args;
    this.#port.postMessage([number, ...(ownBytes(values, moves) as unknown[])], moves);
    ring.set(slot, word.message, number);
  }

  #writeValues(
    slot: number,
    args: readonly unknown[],
    hasContext: boolean,
    context: unknown,
  ): boolean {
    const writer = this.#writer;
    writer.begin(slot);
    for (let index = 0; index < args.length; index++) {
      if (!writer.write(args[index])) return false;
    }
    return !hasContext || writer.write(context);
  }

  /** Calls `listener` once, as soon as a request can be sent. */
  whenRoom(listener: () => void): void {
    this.#whenRoom.add(listener);
  }

  /** Takes a request back. Returns false where the thread has begun it. */
  revoke(request: SlotRequest): boolean {
    const { slot } = request;
    if (slot === -1 || !this.ring.revoke(slot)) return false;
    this.#forget(slot);
    return true;
  }

  #forget(slot: number): SlotRequest | undefined {
    const request = this.#requests[slot];
    if (request === undefined) return undefined;
    this.#requests[slot] = undefined;
    request.slot = -1;
    this.#awaited--;
    return request;
  }

  /** Asks the task of a call to stop. Returns false where it does not look at its signal. */
  askToStop(slot: number, why: number): boolean {
    if (this.ring.getShared(slot, word.listens) === 0) return false;
    this.ring.setShared(slot, word.aborted, why);
    this.wake();
    return true;
  }

  wake(): void {
    if (this.ring.wake() && this.#inbox.wakesByMessage) this.#port.postMessage([0]);
  }

  receive(nowMillis: number): number {
    let received = 0;
    this.#safely(() => {
      this.#reply.nowMillis = nowMillis;
      // Counted first: what a task wrote before its reply is then among the letters, and told before it.
      const count = this.ring.replyCount;
      if (this.ring.hasOutput || this.ring.hostCalls > 0) this.#mailbox.sort(MOST_LETTERS);
      if (count < 0 || count > 2 * this.ring.slots) throw new RangeError(`${count} replies`);
      for (; received < count && !this.#ended; received++) {
        if (!receivesAtOnce && !this.#isComplete()) break;
        this.#receiveOne();
      }
      if (this.#whenRoom.size === 0) return;
      const listeners = [...this.#whenRoom];
      this.#whenRoom.clear();
      for (const listener of listeners) listener();
    });
    return received;
  }

  /**
   * Whether all is there that the next reply needs, and what its task wrote before: where messages come
   * by the event loop, a reply in shared memory overtakes them.
   */
  #isComplete(): boolean {
    const { ring } = this;
    const { posted, taken } = ring.outputEnds;
    this.#outputBefore ??= posted;
    const { nextReply } = ring;
    const which = (nextReply & ~SLOT_MASK) === reply.verdict ? word.verdict : word.message;
    const slot = Math.min(nextReply & SLOT_MASK, ring.slots - 1);
    const numbers = [ring.get(slot, which)];
    if ((nextReply & ~SLOT_MASK) === reply.final) numbers.push(ring.get(slot, word.verdict));
    const isThere = (number: number) => number === 0 || this.#mailbox.has(number);
    this.#isIncomplete = ((taken - this.#outputBefore) | 0) < 0 || !numbers.every(isThere);
    if (!this.#isIncomplete) this.#outputBefore = undefined;
    return !this.#isIncomplete;
  }

  #receiveOne(): void {
    const { ring } = this;
    const next = ring.takeReply();
    const what = next & ~SLOT_MASK;
    const slot = next & SLOT_MASK;
    if (next === -1) throw new RangeError('a reply for no slot');
    if (what === reply.returned) {
      const returned = this.#forget(slot);
      ring.free(slot);
      returned?.returned();
      return;
    }
    const request = this.#requests[slot];
    if (request === undefined) throw new RangeError('a reply to nothing that was asked');
    if (what === reply.verdict) {
      const [verdict, cause] = this.#readVerdict(slot);
      this.#forget(slot);
      ring.free(slot);
      request.judged(verdict, cause);
      return;
    }
    const number = ring.get(slot, word.message);
    const answer = this.#reply;
    const flags = ring.get(slot, word.flags);
    answer.threw = (flags & flag.threw) !== 0;
    answer.streams = (flags & flag.streams) !== 0;
    answer.value = number === 0 ? this.#reader.readOne(slot) : this.#mailbox.take(number)[0];
    answer.memoryBytes = ring.memoryBytes(slot);
    answer.verdict = undefined;
    answer.cause = undefined;
    if (what === reply.final) {
      [answer.verdict, answer.cause] = this.#readVerdict(slot);
      this.#forget(slot);
      ring.free(slot);
    }
    request.replied(answer);
    answer.value = undefined;
  }

  #readVerdict(slot: number): readonly [Judgement, SerializedThrow?] {
    const code = this.ring.get(slot, word.verdict);
    return code === FIT ? FIT_AGAIN : (this.#mailbox.take(code) as [string, SerializedThrow?]);
  }

  /** A thread whose replies cannot be read is ended, as if by itself: later replies would be wrong. */
  #safely(read: () => void): void {
    try {
      read();
    } catch (cause) {
      if (this.#ended) return;
      this.#error = cause;
      this.#endedBy(cause);
      void this.end();
    }
  }

  #deliver([number, ...body]: Letter): void {
    if (number < 0) {
      this.ring.hostCallTaken();
      const [name, blocks, ...args] = body;
      void this.#callHost(number, String(name), blocks === true, args);
      return;
    }
    const [descriptor, bytes] = body;
    if (descriptor === undefined) return; // it only wakes
    if (descriptor === CHANGE && this.ring instanceof PostedHostEnd) {
      this.ring.change(body.slice(1));
      return;
    }
    if (descriptor === END) {
      if (bytes === undefined) throw new Error('the thread closed itself');
      throw deserializeError(bytes as SerializedThrow);
    }
    if ((descriptor !== 1 && descriptor !== 2) || !(bytes instanceof Uint8Array)) {
      throw new TypeError('output that is no bytes');
    }
    this.ring.outputTaken(bytes.byteLength);
    this.#outlet.write(descriptor, bytes);
  }

  async #callHost(
    number: number,
    name: string,
    blocks: boolean,
    args: readonly unknown[],
  ): Promise<void> {
    const { succeeded, value, moves } = await this.#outlet.callHost(name, args);
    if (this.#ended) return;
    const answers = blocks ? this.#answers : undefined;
    const send = (answer: readonly unknown[], moved: Transferable[]) =>
      answers === undefined
        ? this.#port.postMessage([number, ...answer], moved)
        : void sendAnswer(answers, answer);
    try {
      send([succeeded, value], moves);
    } catch (cause) {
      const error = cloneError(`the result of the host function ${name}`, cause);
      send([false, serializeError(error)], []);
    }
    this.ring.hostReplied();
  }

  /** Ends the thread, whatever it does. Resolves once it is gone. */
  end(): Promise<void> {
    if (this.#ended) return this.#exit.promise;
    this.#holdAlive();
    if (this.ring.hasOutput) this.#safely(() => this.#mailbox.sort(MOST_LETTERS));
    this.#ended = true;
    this.#inbox.remove(this);
    void this.#worker.terminate();
    return this.#exit.promise;
  }

  /** Tells the owners that they have lost the thread; `why` in words. */
  tellOwners(cause: unknown, why?: string): void {
    const owners = [...this.owners];
    for (const owner of owners) owner.threadEnds(cause);
    for (const owner of owners) owner.threadEnded(cause, why);
  }

  #onExit(code: number): void {
    if (!this.#ended) {
      this.receive(performance.now()); // what it answered before
      this.#ended = true;
      this.#inbox.remove(this);
      this.#endedBy(this.#error ?? new Error(`the thread exited with code ${code}`));
    }
    this.#port.close();
    this.#exit.resolve();
  }

  #endedBy(cause: unknown): void {
    this.tellOwners(cause);
  }
}

const SLOT_MASK = (1 << 24) - 1;

function throwIt(error: unknown): never {
  throw error;
}
