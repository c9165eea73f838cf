import { channel } from './runtime.js';

/**
 * What pools tell through `node:diagnostics_channel`: plain objects, without resources. Nothing is
 * computed where nobody subscribes.
 *
 * - `wasm-pool:wait`: an acquire that was not served at once has ended: `{ pool, millis, outcome }`, the
 *   outcome `served`, `timeout`, `aborted` or the code of the error. It is told in the AsyncLocalStorage
 *   context of the acquire. One that was refused without a wait has 0 milliseconds.
 * - `wasm-pool:release`: a loan has ended that was timed (any loan that began while somebody had
 *   subscribed): `{ pool, millis }`
 * - `wasm-pool:create`: a creation has ended: `{ pool, millis, error }`; `error` undefined where it worked
 * - `wasm-pool:destroy`: a resource goes: `{ pool, reason, ageMillis, uses, bytes }`; `bytes` where the
 *   factory can tell
 */
export const channels = {
  wait: channel<WaitMessage>('wasm-pool:wait'),
  release: channel<ReleaseMessage>('wasm-pool:release'),
  create: channel<CreateMessage>('wasm-pool:create'),
  destroy: channel<DestroyMessage>('wasm-pool:destroy'),
} as const;

/** See `wasm-pool:wait`. */
export interface WaitMessage {
  readonly pool: string;
  readonly millis: number;
  readonly outcome: string;
}

/** See `wasm-pool:release`. */
export interface ReleaseMessage {
  readonly pool: string;
  readonly millis: number;
}

/** See `wasm-pool:create`. */
export interface CreateMessage {
  readonly pool: string;
  readonly millis: number;
  readonly error: unknown;
}

/** See `wasm-pool:destroy`. */
export interface DestroyMessage {
  readonly pool: string;
  readonly reason: string;
  readonly ageMillis: number;
  /** Undefined at the drop-in door, where uses are not counted. */
  readonly uses: number | undefined;
  readonly bytes: number | undefined;
}
