import type { MessagePort } from 'node:worker_threads';
import {
  OutgoingError,
  type OutgoingRequests,
} from '../../instance/component/outgoing-requests.js';
import { builtin } from '../../platform/builtin.js';
import { ByteQueue } from '../byte-queue.js';
import type { ComponentAnswer, ComponentRequest } from '../component-exchange.js';
import type { HeaderList } from '../headers.js';
import { checkStatus, HttpError } from '../http-error.js';
import { type BodyLimits, limited } from '../request-body.js';
import { Stopwatch } from '../stopwatch.js';
import type { TaskResult } from './thread-main.js';
import {
  type AnswerHead,
  type FromThread,
  type SentRequest,
  type ToThread,
  WINDOW_BYTES,
} from './wire.js';

/** How long a component may go on once its client has left, before its thread is ended. */
const GRACE_MILLIS = 1000;

/** The limits of one request, and what sends requests to other servers. */
export interface ServingSettings extends BodyLimits {
  readonly timeoutMillis: number;
  readonly outgoing: OutgoingRequests | undefined;
}

/** One request of a client while the thread of a component is at it: this thread's side. */
export class Serving {
  /** Resolves once the component has begun to answer. */
  readonly answer: Promise<ComponentAnswer>;
  /** Ends the call, and its thread. */
  readonly abort = new AbortController();

  readonly #request: ComponentRequest;
  readonly #settings: ServingSettings;
  readonly #port: MessagePort;
  readonly #bell: Int32Array;
  readonly #begun = Promise.withResolvers<ComponentAnswer>();
  readonly #trailers = Promise.withResolvers<HeaderList>();
  readonly #sent = new Map<number, SentRequestPump>();
  readonly #componentTime: Stopwatch;
  #clientTime: Stopwatch | undefined;
  #grace: NodeJS.Timeout | undefined;
  #upload: Window | undefined;
  readonly #body = new ByteQueue(
    (room) => this.#post({ room }),
    () => this.#clientLeft(),
  );
  readonly #onAbort = () => this.#clientLeft();

  constructor(
    request: ComponentRequest,
    settings: ServingSettings,
    port: MessagePort,
    bell: SharedArrayBuffer,
  ) {
    this.#request = request;
    this.#settings = settings;
    this.#port = port;
    this.#bell = new Int32Array(bell);
    this.answer = this.#begun.promise;
    this.answer.catch(() => {}); // it may be that nobody waits any more
    const { timeoutMillis } = settings;
    this.#componentTime = new Stopwatch(timeoutMillis, () => {
      const message = `the component took longer than ${timeoutMillis} ms`;
      this.abort.abort(new HttpError('ERR_HTTP_TIMEOUT', message));
    });
    port.on('message', (message: FromThread) => this.#receive(message));
    request.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The component begins. @param streams whether its request's body is still to come */
  start(streams: boolean): void {
    this.#componentTime.start();
    if (streams) void this.#pumpBody();
  }

  /** The rest to send once the component has returned. */
  finish(result: TaskResult): void {
    this.#drain();
    if ('broken' in result) throw new HttpError('ERR_HTTP_ANSWER', result.broken);
    if (result.head !== undefined) this.#begin(result.head);
    this.#body.push(...result.body);
    this.#trailers.resolve(result.trailers);
    this.#body.end();
  }

  /** The component has not answered to the end. */
  fail(error: unknown): void {
    this.#drain();
    this.#begun.reject(error);
    this.#trailers.resolve([]);
    this.#body.fail(error);
  }

  close(): void {
    this.#componentTime.pause();
    this.#clientTime?.pause();
    clearTimeout(this.#grace);
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    for (const sent of this.#sent.values()) sent.drop();
    this.#upload?.close();
    this.#port.close();
  }

  /** What the thread sent before its result comes before it, though it came by another port. */
  #drain(): void {
    const { receiveMessageOnPort } = builtin('node:worker_threads', 'an answer of preview 2');
    for (let it = receiveMessageOnPort(this.#port); it; it = receiveMessageOnPort(this.#port)) {
      this.#receive(it.message);
    }
  }

  #post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  #receive(message: FromThread): void {
    if ('answer' in message) {
      try {
        if (message.answer !== undefined) this.#begin(message.answer);
        this.#body.push(...message.body);
      } catch (error) {
        this.abort.abort(error);
      }
    } else if ('waits' in message) this.#setWaits(message.waits);
    else if ('send' in message) this.#send(message.id, message.send);
    else if (!('id' in message)) this.#upload?.add(message.taken);
    else this.#sent.get(message.id)?.receive(message);
  }

  #begin({ status, headers }: AnswerHead): void {
    checkStatus(status);
    const { chunks: body } = this.#body;
    const knownLength = () => this.#body.knownLength();
    this.#begun.resolve({ status, headers, body, knownLength, trailers: this.#trailers.promise });
  }

  /** A component that waits for its client spends that one's time, not its own. */
  #setWaits(waits: 'body' | 'client' | 'other' | 'nothing'): void {
    this.#clientTime?.pause();
    if (waits === 'nothing' || waits === 'other') {
      this.#componentTime.start();
      return;
    }
    this.#componentTime.pause();
    const { clientTimeoutMillis } = this.#settings;
    this.#clientTime = new Stopwatch(clientTimeoutMillis, () => {
      const message = `the client was silent for ${clientTimeoutMillis} ms`;
      this.abort.abort(new HttpError('ERR_HTTP_CLIENT_TIMEOUT', message));
    });
    this.#clientTime.start();
  }

  #clientLeft(): void {
    this.#post({ closed: true });
    this.#post({ broken: 'the client has left' });
    this.#grace ??= setTimeout(
      () => this.abort.abort(this.#request.signal.reason ?? new Error('the client has left')),
      GRACE_MILLIS,
    );
  }

  async #pumpBody(): Promise<void> {
    const { body, trailers } = this.#request;
    if (body === undefined) return;
    this.#upload = new Window(WINDOW_BYTES);
    try {
      for await (const chunk of limited(body, this.#settings)) {
        const copy = new Uint8Array(chunk);
        if (!(await this.#upload.take(copy.length))) return;
        this.#post({ chunk: copy }, [copy.buffer]);
      }
      this.#post({ end: await trailers });
    } catch (error) {
      // Nothing is answered yet: that it is too large is the answer. Otherwise its component sees it.
      if (error instanceof HttpError) this.#begun.reject(error);
      this.#post({ broken: error instanceof Error ? error.message : String(error) });
    }
  }

  #send(id: number, request: SentRequest): void {
    const post = (message: ToThread, transfer?: ArrayBuffer[]) => this.#post(message, transfer);
    const pump = new SentRequestPump(id, post);
    this.#sent.set(id, pump);
    void pump.run(request, this.#settings.outgoing);
  }
}

/** How many bytes may be sent before the other side has taken some. */
class Window {
  #room: number;
  #isClosed = false;
  #wake = () => {};

  constructor(bytes: number) {
    this.#room = bytes;
  }

  add(bytes: number): void {
    this.#room += bytes;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Waits until there is room. Resolves with whether there ever will be. */
  async take(bytes: number): Promise<boolean> {
    while (this.#room <= 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#room -= bytes;
    return !this.#isClosed;
  }
}

/** A component's request to another server, between its thread and the network. */
class SentRequestPump {
  readonly #id: number;
  readonly #post: (message: ToThread, transfer?: ArrayBuffer[]) => void;
  readonly #body: ByteQueue;
  readonly #answer = new Window(WINDOW_BYTES);
  readonly #dropped = new AbortController();

  constructor(id: number, post: (message: ToThread, transfer?: ArrayBuffer[]) => void) {
    this.#id = id;
    this.#post = post;
    this.#body = new ByteQueue((room) => post({ id, room }));
  }

  async run(request: SentRequest, outgoing: OutgoingRequests | undefined): Promise<void> {
    const id = this.#id;
    try {
      if (outgoing === undefined) throw new OutgoingError({ tag: 'HTTP-request-denied' });
      const { hasBody, ...rest } = request;
      const body = hasBody ? this.#body.chunks : undefined;
      const response = await outgoing.send({ ...rest, body, signal: this.#dropped.signal });
      const headers = response.headers.map(([name, value]): HeaderList[number] => [
        name,
        new Uint8Array(value),
      ]);
      this.#post({ id, head: { status: response.status, headers } });
      for await (const chunk of response.body) {
        const copy = new Uint8Array(chunk);
        if (!(await this.#answer.take(copy.length))) break;
        this.#post({ id, chunk: copy }, [copy.buffer]);
      }
      this.#post({ id, end: true });
    } catch (error) {
      this.#post({ id, error: OutgoingError.from(error).payload });
    }
  }

  receive(message: Extract<FromThread, { id: number }>): void {
    if ('chunk' in message) this.#body.push(message.chunk);
    else if ('end' in message) this.#body.end();
    else if ('taken' in message) this.#answer.add(message.taken);
    else this.drop();
  }

  drop(): void {
    this.#dropped.abort(new OutgoingError({ tag: 'connection-terminated' }));
    this.#answer.close();
    this.#body.end();
  }
}
