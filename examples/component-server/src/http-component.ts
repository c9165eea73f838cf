import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PoolStats } from '@wasm-pool/core';

/** A component that answers HTTP requests, in a pool. */
export interface HttpComponent {
  readonly pool: { stats(): PoolStats; close(options?: { timeoutMillis?: number }): Promise<void> };
  /** Rejects where there is no answer. `signal` aborts when nobody waits for one any more. */
  handle(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void>;
}
