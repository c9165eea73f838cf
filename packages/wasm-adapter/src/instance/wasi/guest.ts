import type { Layout } from './abi.js';
import type { Clocks } from './clocks.js';
import type { Descriptors } from './descriptors.js';
import type { GuestMemory } from './guest-memory.js';
import type { Sleeper } from './poll.js';
import type { WasiRandom } from './random.js';

/** What WASI's functions work on: all that there is of one guest. */
export interface Guest {
  readonly name: string;
  readonly memory: GuestMemory;
  readonly descriptors: Descriptors;
  readonly layout: Layout;
  /** Each ends in a NUL. */
  args: readonly Uint8Array[];
  /** Likewise, as `NAME=value`. */
  env: readonly Uint8Array[];
  clocks: Clocks;
  random: WasiRandom | undefined;
  sleeper: Sleeper;
}
