import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  type Worker,
  type WorkerOptions,
} from 'node:worker_threads';
import { CallLedger } from '../wire/call-ledger.js';
import { Doorbell } from '../wire/doorbell.js';
import type { Reply, Request, ThreadData } from '../wire/messages.js';

/** Starts a worker thread with the options that are given. */
export type Spawn = (options: WorkerOptions) => Worker;

/** Who a thread works for. */
export interface ThreadOwner {
  receive(reply: Reply): void;
  /** The thread has ended by itself. */
  exited(cause: unknown): void;
}

/** A worker thread, and the port through which it is talked to. */
export class Thread {
  readonly ledger = new CallLedger();
  readonly #doorbell = new Doorbell();
  owner: ThreadOwner | undefined = undefined;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  #keepsProcessAlive = true;
  #ended = false;
  #ignoresReplies = false;
  #error: unknown = undefined;

  constructor(spawn: Spawn, name: string, data: Omit<ThreadData, 'port' | 'ledger' | 'doorbell'>) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const wasmPool: ThreadData = {
      ...data,
      port: port2,
      ledger: this.ledger.words,
      doorbell: this.#doorbell.word,
    };
    try {
      this.#worker = spawn({ name, workerData: { wasmPool }, transferList: [port2] });
    } catch (error) {
      port1.close();
      throw error;
    }
    // The port says whether anything is waited for; the thread closes it on its way out.
    this.#worker.unref();
    this.#port.on('close', () => this.#worker.ref());
    this.#port.on('message', (reply: Reply) => this.#receive(reply));
    this.#port.on('messageerror', (cause) => this.#unreadable(cause));
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', (code) => this.#exit(code));
  }

  get id(): number {
    return this.#worker.threadId;
  }

  /** Whether it is gone, or about to go. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the process is to stay alive for what the thread is about to answer. */
  set keepsProcessAlive(awaited: boolean) {
    if (awaited === this.#keepsProcessAlive) return;
    this.#keepsProcessAlive = awaited;
    if (awaited) this.#port.ref();
    else this.#port.unref();
  }

  /** Throws a `DataCloneError` where the request cannot be cloned, or what moves cannot be moved. */
  post(request: Request, transfer: Transferable[] = []): void {
    this.#port.postMessage(request, transfer);
    this.#doorbell.ring();
  }

  /** Has the owner receive what has arrived, though its turn of the event loop has not come. */
  receivePending(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#receive(next.message);
    }
  }

  #next(): { message: Reply } | undefined {
    try {
      return receiveMessageOnPort(this.#port);
    } catch (cause) {
      this.#unreadable(cause);
      return undefined;
    }
  }

  #receive(reply: Reply): void {
    if (!this.#ignoresReplies) this.owner?.receive(reply);
  }

  /**
   * A reply is lost, and those after it would be taken for it: the thread is ended, as if by itself.
   * Results may be nested more deeply than the stack is high that reads them here.
   */
  #unreadable(cause: unknown): void {
    this.#ignoresReplies = true;
    this.#error = cause;
    void this.#worker.terminate();
  }

  /** Ends the thread, whatever it does. Resolves once it is gone. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#port.close();
    await this.#worker.terminate();
  }

  #exit(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.owner?.exited(this.#error ?? new Error(`the thread exited with code ${code}`));
    this.#port.close();
  }
}
