import { Clock } from './abi.js';
import { Errno, fail } from './errno.js';

/** The clocks of a guest, in place of the platform's: for runs that can be repeated exactly. */
export interface WasiClock {
  /** The time of day, in nanoseconds since 1970. */
  realtimeNanos(): bigint;
  /** A time that never goes back, in nanoseconds. */
  monotonicNanos(): bigint;
  /**
   * Waits, in place of this thread: for a clock that is set by hand, it can set that on and return.
   * What returns a promise needs a guest that can be suspended.
   */
  sleep?(nanos: bigint): void | PromiseLike<void>;
}

const systemClock: WasiClock = {
  realtimeNanos: () => BigInt(Date.now()) * 1_000_000n,
  monotonicNanos: () => BigInt(Math.round(performance.now() * 1e6)),
};

/** The clocks of one context. */
export class Clocks {
  readonly #own: WasiClock | undefined;

  constructor(own: WasiClock | undefined) {
    this.#own = own;
  }

  get #clock(): WasiClock {
    return this.#own ?? systemClock;
  }

  /** How the clock waits itself, if it does. */
  get sleep(): WasiClock['sleep'] {
    return this.#own?.sleep?.bind(this.#own);
  }

  realtime(): bigint {
    return this.#clock.realtimeNanos();
  }

  monotonic(): bigint {
    return this.#clock.monotonicNanos();
  }

  /** In nanoseconds. EINVAL for a clock that there is none of; processor time is the time that passed. */
  now(id: number): bigint | number {
    switch (id) {
      case Clock.realtime:
        return this.#clock.realtimeNanos();
      case Clock.monotonic:
      case Clock.processCpu:
      case Clock.threadCpu:
        // A number costs less than a bigint, and has every nanosecond for the first 104 days.
        return this.#own?.monotonicNanos() ?? Math.round(performance.now() * 1e6);
      default:
        return fail(Errno.invalid);
    }
  }

  /** The smallest step, in nanoseconds. EINVAL as `now`. */
  resolution(id: number): number {
    if (id >>> 0 > Clock.threadCpu) fail(Errno.invalid);
    return id === Clock.realtime ? 1_000_000 : 1_000;
  }
}
