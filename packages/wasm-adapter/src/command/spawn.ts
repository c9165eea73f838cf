import { outputError } from '../instance/wasi/collected-output.js';
import { Errno, fail } from '../instance/wasi/errno.js';

/** An output that somebody reads while it is written. */
export class PipedOutput {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #wanted: PromiseWithResolvers<void> | undefined;
  #cancelled = false;
  #ended = false;

  /** @param maxBytes what may wait to be read, where the guest cannot wait for that */
  constructor(maxBytes: number, suspends: boolean) {
    // A guest that can be suspended waits from 64 KiB on, as at a pipe of the system.
    const highWaterMark = suspends ? 65_536 : maxBytes;
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#wake(),
        cancel: () => {
          this.#cancelled = true;
          this.#wake();
        },
      },
      { highWaterMark, size: (bytes) => bytes.length },
    );
    this.write = (bytes) => {
      const controller = this.#controller;
      if (controller === undefined || this.#cancelled || this.#ended) fail(Errno.brokenPipe);
      const room = controller.desiredSize ?? 0;
      if (!suspends && bytes.length > room) throw outputError(maxBytes);
      controller.enqueue(bytes);
      if (!suspends || (controller.desiredSize ?? 0) > 0) return undefined;
      this.#wanted ??= Promise.withResolvers(); // one for all parts of a write
      return this.#wanted.promise;
    };
  }

  /** Takes what the guest wrote. EPIPE once nobody reads. */
  readonly write: (bytes: Uint8Array<ArrayBuffer>) => undefined | Promise<void>;

  end(): void {
    this.#ended = true;
    if (!this.#cancelled) this.#controller?.close();
    this.#wake();
  }

  #wake(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }
}
