import type { MessagePort } from 'node:worker_threads';
import type { HeaderList } from '../headers.js';
import { Channel } from './channel.js';
import { type OutgoingSink, type Pollable, type Source, setLoop } from './io.js';
import {
  type AnswerHead,
  type AnswerRest,
  type RequestHead,
  type SentRequest,
  type ToThread,
  WINDOW_BYTES,
} from './wire.js';

/** The longest that the thread waits without looking whether what it waits for has come. */
const MAX_WAIT_MILLIS = 2 ** 31 - 1;

/** How much of an answer is kept back, to be sent in one piece with the component's return. */
const KEEP_BYTES = 65_536;

/** Bytes that arrive from the other thread, in chunks. */
export class ArrivingBytes implements Source {
  readonly waits: 'body' | 'other';
  readonly #chunks: Uint8Array[] = [];
  readonly #taken: (bytes: number) => void;
  /** The trailers at the end of the body, or why there are none; undefined before. */
  trailers: HeaderList | Error | undefined;

  constructor(waits: 'body' | 'other', taken: (bytes: number) => void) {
    this.waits = waits;
    this.#taken = taken;
  }

  add(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  end(trailers: HeaderList | Error): void {
    this.trailers ??= trailers;
  }

  take(length: number): Uint8Array | undefined {
    const [first] = this.#chunks;
    if (first === undefined) {
      if (this.trailers instanceof Error) throw this.trailers;
      return this.trailers === undefined ? new Uint8Array() : undefined;
    }
    const bytes = first.subarray(0, length);
    if (bytes.length < first.length) this.#chunks[0] = first.subarray(length);
    else this.#chunks.shift();
    if (bytes.length > 0) this.#taken(bytes.length);
    return bytes;
  }

  isReady(): boolean {
    return this.#chunks.length > 0 || this.trailers !== undefined;
  }
}

/** A request to another server, under way. */
export interface Sent {
  readonly source: ArrivingBytes;
  readonly sink: OutgoingSink;
  readonly outcome:
    | { readonly head: AnswerHead }
    | { readonly error: { readonly tag: string; readonly val?: unknown } }
    | undefined;
  /** Its body is whole. */
  end(): void;
}

class SentRequestState implements Sent {
  readonly id: number;
  readonly source: ArrivingBytes;
  readonly #channel: Channel;
  outcome: Sent['outcome'];
  #room = WINDOW_BYTES;

  constructor(id: number, channel: Channel) {
    this.id = id;
    this.#channel = channel;
    this.source = new ArrivingBytes('other', (taken) => channel.send({ id, taken }));
  }

  readonly sink: OutgoingSink = {
    room: () => (this.outcome !== undefined && 'error' in this.outcome ? undefined : this.#room),
    put: (chunk) => {
      this.#room -= chunk.length;
      this.#channel.send({ id: this.id, chunk }, [chunk.buffer]);
    },
    flush() {},
  };

  end(): void {
    this.#channel.send({ id: this.id, end: true });
  }

  receive(message: Extract<ToThread, { id: number }>): void {
    if ('head' in message) this.outcome = { head: message.head };
    else if ('chunk' in message) this.source.add(message.chunk);
    else if ('end' in message) this.source.end([]);
    else if ('room' in message) this.#room += message.room;
    else {
      this.outcome ??= { error: message.error };
      this.source.end(new Error(`the answer broke off: ${message.error.tag}`));
    }
  }
}

/** One request of a client and its answer, as the thread of the component sees them. */
export class Exchange {
  readonly source: ArrivingBytes;
  readonly #channel: Channel;
  readonly #sent = new Map<number, SentRequestState>();
  #lastId = 0;
  #head: AnswerHead | undefined;
  readonly #kept: Uint8Array<ArrayBuffer>[] = [];
  #keptBytes = 0;
  #room = WINDOW_BYTES;
  #isClosed = false;
  #told: 'body' | 'client' | 'other' | 'nothing' = 'nothing';

  constructor(head: RequestHead, port: MessagePort, bell: Int32Array) {
    this.#channel = new Channel(port, bell, (message) => this.#receive(message));
    this.source = new ArrivingBytes('body', (taken) => {
      if (head.body === undefined) this.#channel.send({ taken });
    });
    if (head.body !== undefined) {
      this.source.add(head.body);
      this.source.end([]);
    }
    setLoop({ drain: () => this.#channel.drain(), block: (pollables) => this.#block(pollables) });
  }

  /** How the answer begins. It is sent with what follows, and at the latest when the component waits. */
  begin(head: AnswerHead): void {
    this.#head = head;
  }

  /** Where the answer's body goes. */
  readonly sink: OutgoingSink = {
    room: () => (this.#isClosed ? undefined : Math.max(this.#room, 0)),
    put: (bytes) => {
      this.#room -= bytes.length;
      this.#kept.push(bytes);
      this.#keptBytes += bytes.length;
      if (this.#keptBytes > KEEP_BYTES) this.#sendKept();
    },
    flush: () => {},
  };

  /** The component has returned: what of its answer is not sent yet. */
  end(trailers: HeaderList): AnswerRest {
    const rest = { head: this.#takeHead(), body: this.#kept.splice(0), trailers };
    this.#keptBytes = 0;
    return rest;
  }

  close(): void {
    setLoop(undefined);
    for (const { id } of this.#sent.values()) this.#channel.send({ id, drop: true });
    this.#channel.close();
  }

  send(request: SentRequest): Sent {
    const id = ++this.#lastId;
    const sent = new SentRequestState(id, this.#channel);
    this.#sent.set(id, sent);
    this.#channel.send({ send: request, id });
    return sent;
  }

  #takeHead(): AnswerHead | undefined {
    const head = this.#head;
    this.#head = undefined;
    return head;
  }

  #sendKept(): void {
    if (this.#head === undefined && this.#kept.length === 0) return;
    const body = this.#kept.splice(0);
    this.#keptBytes = 0;
    this.#channel.send(
      { answer: this.#takeHead(), body },
      body.map((it) => it.buffer),
    );
  }

  #block(pollables: readonly Pollable[]): void {
    const isReady = () => {
      this.#channel.drain();
      return pollables.some((it) => it.isReady());
    };
    if (isReady()) return;
    this.#sendKept();
    this.#tell(waitsFor(pollables));
    const until = Math.min(...pollables.map((it) => it.readyAt));
    do {
      const rest = Math.max(until - performance.now(), 0);
      this.#channel.wait(Math.min(Math.ceil(rest), MAX_WAIT_MILLIS));
    } while (!isReady());
    this.#tell('nothing');
  }

  /** Whose time it is: the component's is limited, and waiting for its client is not its own. */
  #tell(waits: 'body' | 'client' | 'other' | 'nothing'): void {
    const isClients = waits === 'body' || waits === 'client';
    const wasClients = this.#told === 'body' || this.#told === 'client';
    this.#told = waits;
    if (isClients || wasClients) this.#channel.send({ waits });
  }

  #receive(message: ToThread): void {
    if ('id' in message) this.#sent.get(message.id)?.receive(message);
    else if ('chunk' in message) this.source.add(message.chunk);
    else if ('end' in message) this.source.end(message.end);
    else if ('broken' in message) this.source.end(new Error(message.broken));
    else if ('room' in message) this.#room += message.room;
    else this.#isClosed = true;
  }
}

/** What a component waits for that waits for all of these: its client, only where that is all. */
function waitsFor(pollables: readonly Pollable[]): 'body' | 'client' | 'other' {
  const [first = 'other', ...others] = pollables.map((it) => it.waits);
  return others.every((it) => it === first) ? first : 'other';
}

let current: Exchange | undefined;

/** The exchange that the thread is at; undefined: none. */
export function setExchange(exchange: Exchange | undefined): void {
  current = exchange;
}

/** Sends requests as part of the exchange that is under way. */
export const sentRequests = {
  send(request: SentRequest): Sent {
    if (current === undefined) throw new Error('a request was sent while no request is served');
    return current.send(request);
  },
};
