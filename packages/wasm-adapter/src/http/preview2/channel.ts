import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { FromThread, ToThread } from './wire.js';

/** The thread's end of the line, for one request. */
export class Channel {
  readonly #port: MessagePort;
  readonly #bell: Int32Array;
  readonly #receive: (message: ToThread) => void;
  /** Is called before the thread waits: what is ready for the other side goes first. */
  beforeWait: () => void = () => {};
  #heard = 0;

  constructor(port: MessagePort, bell: Int32Array, receive: (message: ToThread) => void) {
    this.#port = port;
    this.#bell = bell;
    this.#receive = receive;
  }

  send(message: FromThread, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** Takes what has arrived. */
  drain(): void {
    this.#heard = Atomics.load(this.#bell, 0);
    for (let it = receiveMessageOnPort(this.#port); it; it = receiveMessageOnPort(this.#port)) {
      this.#receive(it.message);
    }
  }

  /**
   * Blocks the thread until something has arrived since the last `drain`, or so many milliseconds have
   * passed. The thread can be ended meanwhile.
   */
  wait(millis: number): void {
    Atomics.wait(this.#bell, 0, this.#heard, millis);
  }

  close(): void {
    this.#port.close();
  }
}
