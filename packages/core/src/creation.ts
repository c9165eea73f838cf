/** What `create` is given. */
export interface CreateOptions {
  /** Aborted when nobody needs the resource any more, and when its creation takes too long. */
  readonly signal: AbortSignal;
}

/** One call of the factory's `create`. */
export class Creation implements CreateOptions {
  readonly generation: number;
  readonly startedMillis: number;
  /** Nobody needs it any more: it counts towards `max`, but no acquire relies on it. */
  cancelled = false;
  /** Whether its resource is there, it failed, or it took too long. */
  hasEnded = false;
  #over: PromiseWithResolvers<void> | undefined = undefined;
  readonly #onSignal: (creation: Creation) => void;
  #controller: AbortController | undefined = undefined;

  /**
   * @param generation how often the pool had been replaced when it began
   * @param onSignal called when the factory asks for the signal
   */
  constructor(generation: number, startedMillis: number, onSignal: (creation: Creation) => void) {
    this.generation = generation;
    this.startedMillis = startedMillis;
    this.#onSignal = onSignal;
  }

  /** Made only where the factory asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#onSignal(this);
    }
    return this.#controller.signal;
  }

  /** Whether its factory can be told that it is not needed. */
  get isCancellable(): boolean {
    return this.#controller !== undefined && !this.cancelled && !this.hasEnded;
  }

  /** Resolves once the pool has done what comes of it. Made only where somebody waits for that. */
  get over(): Promise<void> {
    this.#over ??= Promise.withResolvers();
    return this.#over.promise;
  }

  /** The pool has done what comes of it. */
  end(): void {
    this.#over?.resolve();
  }

  cancel(reason: Error): void {
    this.cancelled = true;
    this.#controller?.abort(reason);
  }

  /** Tells the factory that its time is over; the creation has failed already. */
  expire(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}
