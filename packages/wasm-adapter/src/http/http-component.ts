import type { HttpPreview } from './detect-world.js';
import type { HttpListener } from './listener.js';
import type { PreviewPool } from './preview-pool.js';

/** How one request is answered. */
export interface HttpFetchOptions {
  /** Aborts the request; default: the request's own signal. */
  signal?: AbortSignal | undefined;
  /** What host functions of the component see as `instance.context`. With preview 2 it is cloned. */
  context?: unknown;
}

/** A component that answers HTTP requests, in a pool. */
export interface HttpComponent {
  /** Which preview of wasi:http it is for. */
  readonly preview: HttpPreview;

  /**
   * Answers a request. Resolves once the component has begun to answer; its instance is lent until the
   * body was read or cancelled. Where there is no answer, it resolves with a 5xx, 408 or 413: see
   * `onError`. Rejects only with the reason of an aborted signal.
   */
  readonly fetch: (request: Request, options?: HttpFetchOptions) => Promise<Response>;

  /** Answers requests of `node:http`: `http.createServer(app.listener)`. */
  readonly listener: HttpListener;

  /** The pool of its instances: of instances on this thread, or of threads. */
  readonly pool: PreviewPool['pool'];

  /** The pool's counters. */
  stats(): ReturnType<PreviewPool['pool']['stats']>;

  /** Answers no further requests, waits for those under way for so long, and destroys all instances. */
  close(options?: { timeoutMillis?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
