import { WasmError } from '../../errors.js';
import { holdOn, letGoOf, listenTo, type MessagePort } from '../../platform/threads.js';
import { deserializeError } from '../wire/serialized-error.js';
import { type StreamAnswer, streamRequest } from '../wire/stream-messages.js';
import type { Call } from './call.js';
import { Deadline } from './deadline.js';

/** What becomes of a thread that does not go on with a result, or does not leave it. */
export interface StreamOwner {
  readonly name: string;
  readonly abortGraceMillis: number;
  /** Tells the task of a call that it is to stop. */
  askToStop(call: Call): void;
  /** Ends the thread, for that reason. */
  stop(verdict: string, error: unknown): void;
}

/**
 * A result that comes bit by bit, as its caller reads it. Each value may take as long as a call may, and
 * so may the end of what the reader left. The call's signal ends it, while it is read, too.
 */
export class ResultStream {
  readonly readable: ReadableStream<unknown>;
  readonly #call: Call;
  readonly #port: MessagePort;
  readonly #owner: StreamOwner;
  readonly #deadline = new Deadline(() => this.#overdue());
  #controller!: ReadableStreamDefaultController<unknown>;
  #received: (() => void) | undefined = undefined;
  /** The reader has all that it will get. */
  #isOver = false;
  /** The thread is through with it. */
  #hasEnded = false;
  #aborted = false;

  constructor(call: Call, port: MessagePort, owner: StreamOwner) {
    this.#call = call;
    this.#port = port;
    this.#owner = owner;
    listenTo(
      port,
      (answer) => this.#receive(answer as StreamAnswer),
      (cause) => {
        this.fail(cause);
        this.leave();
      },
    );
    letGoOf(port);
    const start = (controller: ReadableStreamDefaultController<unknown>) => {
      this.#controller = controller;
    };
    const pull = () => this.#ask();
    const cancel = () => {
      this.#isOver = true;
      if (this.#hasEnded) this.#port.close();
      else this.leave();
    };
    this.readable = new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 });
    const { signal } = call.settings;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  #ask(): Promise<void> {
    this.#deadline.set(this.#call.callTimeoutMillis);
    this.#port.postMessage(streamRequest.next);
    holdOn(this.#port); // the process stays alive for whoever reads
    return new Promise((resolve) => {
      this.#received = resolve;
    });
  }

  #receive({ value, done, threw }: StreamAnswer): void {
    if (this.#isOver) return;
    this.#deadline.set(0);
    letGoOf(this.#port);
    if (threw !== undefined) this.fail(deserializeError(threw));
    else if (done) {
      this.#isOver = true;
      this.#controller.close();
    } else this.#controller.enqueue(value);
    this.#received?.();
    if (this.#isOver && this.#hasEnded) this.#port.close();
  }

  /** Has the task leave what it iterates over. */
  leave(): void {
    this.#deadline.set(this.#call.callTimeoutMillis);
    this.#port.postMessage(streamRequest.leave);
  }

  /** The reader gets an error in place of what is to come. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(error);
    this.#received?.();
  }

  readonly #onAbort = () => {
    this.#aborted = true;
    this.fail(this.#call.settings.signal?.reason);
    this.#owner.askToStop(this.#call);
    this.leave();
    const { abortGraceMillis } = this.#owner;
    if (abortGraceMillis === 0) this.#overdue();
    else this.#deadline.set(abortGraceMillis);
  };

  #overdue(): void {
    const { name, settings, callTimeoutMillis } = this.#call;
    if (this.#aborted) {
      this.#owner.stop('aborted', settings.signal?.reason);
      return;
    }
    const message = `${this.#owner.name}: the next value of ${name} took longer than callTimeoutMillis (${callTimeoutMillis} ms), and its thread was ended`;
    const error = new WasmError('ERR_WASM_CALL_TIMEOUT', message);
    this.fail(error);
    this.#owner.stop('timeout', error);
  }

  /** The call is over, and its instance judged, which is known before the last values are here. */
  end(): void {
    this.#hasEnded = true;
    this.#deadline.stop();
    this.#call.settings.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#isOver) this.#port.close();
  }
}
