import type { PooledInstance } from '../../instance/pooled-instance.js';
import type { ThreadEnd } from '../wire/ring.js';
import { CallSignal } from './call-signal.js';
import type { HostFunctions } from './host-functions.js';
import type { Task } from './tasks.js';

/** `HostedInstance.running` where no call is under way. */
export const NOTHING = -1;
/** The same where the next one is about to begin. */
export const NEXT = -2;

type Export = (...args: unknown[]) => unknown;

/** An instance on this thread: it runs one call at a time. */
export class HostedInstance {
  readonly pooled: PooledInstance;
  readonly names: readonly string[];
  /** What to call, in the order of `names`. */
  readonly functions: readonly Export[];
  readonly signal: CallSignal;
  /** Requests that wait until the one under way is answered, by their slots. */
  readonly parked: number[] = [];
  /** What its tasks and exports threw in the loan that is on. */
  thrown: unknown[] = [];
  /** The slot of the call under way. */
  running: number = NOTHING;

  constructor(
    pooled: PooledInstance,
    names: readonly string[],
    tasks: ReadonlyMap<string, Task>,
    ring: ThreadEnd,
    hosts: HostFunctions,
  ) {
    this.pooled = pooled;
    this.names = names;
    const signal = new CallSignal(ring);
    this.signal = signal;
    hosts.giveTo(pooled);
    Object.defineProperty(pooled, 'signal', { get: () => signal.current });
    this.functions = names.map((name) => {
      const task = tasks.get(name);
      if (task !== undefined) return (...args) => task(pooled, ...args);
      return (...args) => (pooled.exports as Record<string, Export>)[name]?.(...args);
    });
  }

  begin(slot: number): void {
    this.running = slot;
    this.signal.begin(slot);
  }

  end(): void {
    this.running = NOTHING;
    this.signal.end();
  }
}
