import { Redis } from 'ioredis';

/** A connection to Redis that waits for a server that is away, for as long as that takes. */
export function connect(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null, // bullmq asks for that
    retryStrategy: (attempts) => Math.min(attempts * 50, 1_000),
  });
  redis.on('error', () => {}); // told by the queue or the worker that uses it
  return redis;
}
