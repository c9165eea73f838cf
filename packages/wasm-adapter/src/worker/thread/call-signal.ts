import { abort, type ThreadEnd, word } from '../wire/ring.js';

const NO_CALL = -1;

/** The AbortSignal of one call after another. A task that never looks at it costs nothing. */
export class CallSignal {
  readonly #ring: ThreadEnd;
  #slot = NO_CALL;
  #controller: AbortController | undefined = undefined;
  #isPassedOn = false;

  constructor(ring: ThreadEnd) {
    this.#ring = ring;
  }

  begin(slot: number): void {
    this.#slot = slot;
  }

  end(): void {
    this.#slot = NO_CALL;
    this.#controller = undefined;
    this.#isPassedOn = false;
  }

  /**
   * The signal of the call under way; between calls, one that is never aborted. Its `aborted` is right
   * even for a task that blocks the thread, for it looks in shared memory.
   */
  get current(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    if (this.#slot === NO_CALL) return controller.signal;
    this.#controller = controller;
    const { signal } = controller;
    const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted') ?? {};
    const aborted = () => {
      if (this.#controller === controller) this.passOn();
      return get?.call(signal) === true;
    };
    Object.defineProperties(signal, {
      aborted: { get: aborted, configurable: true },
      throwIfAborted: {
        value: () => {
          if (aborted()) throw signal.reason;
        },
        configurable: true,
      },
    });
    this.#ring.setShared(this.#slot, word.listens, 1);
    return signal;
  }

  /** Aborts the signal where the main thread asks for that. */
  passOn(): void {
    const controller = this.#controller;
    if (controller === undefined || this.#slot === NO_CALL) return;
    const why = this.#ring.getShared(this.#slot, word.aborted);
    if (why === abort.no || this.#isPassedOn) return;
    this.#isPassedOn = true;
    controller.abort(
      why === abort.timeout
        ? new DOMException('The call ran for longer than callTimeoutMillis', 'TimeoutError')
        : new DOMException('The call was aborted', 'AbortError'),
    );
  }
}
