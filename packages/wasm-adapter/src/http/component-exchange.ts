import type { HeaderList } from './headers.js';

/** Bytes in chunks, as they come. */
export type Chunks = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** A request, as a component is given it. */
export interface ComponentRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly scheme: string;
  readonly authority: string | undefined;
  readonly headers: HeaderList;
  /** undefined: it has none. */
  readonly body: Chunks | undefined;
  /** How long the body is; undefined where nobody knows. */
  readonly length: number | undefined;
  /** Resolves once the body was read. */
  readonly trailers: Promise<HeaderList>;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** What the pool's host functions see as `instance.context`. */
  readonly context: unknown;
}

/** The answer of a component. */
export interface ComponentAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** Is to be read to its end, or left by `return`: the instance may be at work on it. */
  readonly body: Chunks;
  /** How long the body is, where all of it is there already; otherwise undefined. */
  readonly knownLength: () => number | undefined;
  /** Resolves once the body was read. Never rejects. */
  readonly trailers: Promise<HeaderList>;
}
