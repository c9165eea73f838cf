import type { PoolStats } from '@wasm-pool/core';
import type { ComponentAnswer, ComponentRequest } from './component-exchange.js';
import type { HttpPreview } from './detect-world.js';

/** A component for one preview of wasi:http, in a pool. */
export interface PreviewPool {
  readonly preview: HttpPreview;
  readonly pool: {
    stats(): PoolStats;
    on(event: 'create' | 'factoryCreateError', listener: () => void): unknown;
    close(options?: { timeoutMillis?: number }): Promise<void>;
  };
  /** Rejects where there is no answer, with whatever was the reason. */
  answer(request: ComponentRequest): Promise<ComponentAnswer>;
}
