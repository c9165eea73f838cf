import type { ServerResponse } from 'node:http';

/**
 * A signal that is aborted when the client is gone before it had the whole answer, for frameworks whose
 * requests have none: `pool.use(fn, { signal: whileConnected(response) })`.
 */
export function whileConnected(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
