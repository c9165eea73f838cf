import { backgroundTimer } from '../../platform/turns.js';

/** How much work an instance is given ahead: so little that no call is served much later for it. */
const AHEAD_MILLIS = 0.5;
const MOST_AHEAD = 64;
const SMOOTHING = 0.2;

/** A call that takes longer than this keeps no others waiting behind it. */
const STALL_MILLIS = 5;
/** The same where another worker is idle. */
const IDLE_STALL_MILLIS = 1;

/** How often calls that take long are looked for, while others wait behind them. */
const CHECK_MILLIS = 1;

/** An instance that serves queued calls. */
export interface PacedWorker {
  /** How long the call under way has taken, where others wait behind it; 0: none do. */
  stalledMillis(nowMillis: number): number;
  /** How many calls it has beyond the one under way. */
  readonly behind: number;
  /** Has the calls behind the first `kept` wait for any worker again. */
  sendBack(kept: number): void;
}

/**
 * How long the calls of a pool take, and so how many of them an instance is given ahead; and what
 * becomes of the calls that wait behind one that takes longer than all before it.
 */
export class Pace {
  readonly #hasIdle: () => boolean;
  readonly #workers = new Set<PacedWorker>();
  #averageMillis = AHEAD_MILLIS;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** @param hasIdle whether a worker of the pool is idle */
  constructor(hasIdle: () => boolean) {
    this.#hasIdle = hasIdle;
  }

  /** How many calls an instance may have at once. */
  get limit(): number {
    return Math.min(Math.max(Math.floor(AHEAD_MILLIS / this.#averageMillis), 1), MOST_AHEAD);
  }

  /** A call took so long. */
  note(millis: number): void {
    this.#averageMillis += SMOOTHING * (millis - this.#averageMillis);
  }

  /** A worker has calls that wait behind another one. */
  watch(worker: PacedWorker): void {
    this.#workers.add(worker);
    this.#timer ??= backgroundTimer(this.#check, CHECK_MILLIS);
  }

  forget(worker: PacedWorker): void {
    this.#workers.delete(worker);
  }

  /** A worker has nothing to do: it takes what waits behind long calls of others. */
  share(): void {
    const { limit } = this;
    for (const worker of this.#workers) if (worker.behind >= limit) worker.sendBack(limit);
  }

  readonly #check = () => {
    this.#timer = undefined;
    const nowMillis = performance.now();
    const limit = this.#hasIdle() ? IDLE_STALL_MILLIS : STALL_MILLIS;
    for (const worker of [...this.#workers]) {
      const stalledMillis = worker.stalledMillis(nowMillis);
      if (stalledMillis === 0) this.#workers.delete(worker);
      else if (stalledMillis >= limit) {
        this.#averageMillis = Math.max(this.#averageMillis, stalledMillis);
        worker.sendBack(1);
        this.#workers.delete(worker);
      }
    }
    if (this.#workers.size > 0) this.#timer = backgroundTimer(this.#check, CHECK_MILLIS);
  };

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#workers.clear();
  }
}
