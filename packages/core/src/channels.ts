import { channel } from './runtime.js';

/**
 * What pools tell through `node:diagnostics_channel`: plain objects, without resources. Nothing is
 * computed where nobody subscribes.
 *
 * - `wasm-pool:wait`: an acquire that had to wait has ended: `{ pool, millis, outcome }`, the outcome
 *   `served`, `timeout`, `aborted` or the code of the error
 * - `wasm-pool:release`: a loan has ended: `{ pool, millis }`, the length of the loan; undefined where
 *   nobody had subscribed when it began
 * - `wasm-pool:create`: a creation has ended: `{ pool, millis, error }`; `error` undefined where it worked
 * - `wasm-pool:destroy`: a resource goes: `{ pool, reason, ageMillis, uses }`
 */
export const channels = {
  wait: channel('wasm-pool:wait'),
  release: channel('wasm-pool:release'),
  create: channel('wasm-pool:create'),
  destroy: channel('wasm-pool:destroy'),
} as const;
