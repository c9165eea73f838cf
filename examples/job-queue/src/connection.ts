import type { ConnectionOptions } from 'bullmq';

/** How bullmq connects to Redis: it waits for a server that is away, for as long as that takes. */
export function connectionTo(url: string): ConnectionOptions {
  return {
    url,
    maxRetriesPerRequest: null,
    retryStrategy: (attempts: number) => Math.min(attempts * 50, 1_000),
  };
}
