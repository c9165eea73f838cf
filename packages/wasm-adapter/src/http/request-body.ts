import type { Chunks, ComponentRequest } from './component-exchange.js';
import { HttpError } from './http-error.js';
import { Stopwatch } from './stopwatch.js';

/** Limits of what a client sends. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly clientTimeoutMillis: number;
}

/** A body that is known to be this long at most is taken in before an instance is asked for. */
const WHOLE_BYTES = 65_536;

/** Throws a `HttpError` 413 where a request says that its body is larger than it may be. */
export function checkLength(length: number | undefined, { maxBodyBytes }: BodyLimits): void {
  if (length !== undefined && length > maxBodyBytes) throw tooLarge(maxBodyBytes);
}

function tooLarge(maxBodyBytes: number): HttpError {
  return new HttpError('ERR_HTTP_BODY_SIZE', `the body is larger than ${maxBodyBytes} bytes`);
}

/** A body's chunks within the limits: reading fails with a `HttpError` beyond them. */
export async function* limited(
  body: Chunks,
  { maxBodyBytes, clientTimeoutMillis }: BodyLimits,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let bytes = 0;
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await within(clientTimeoutMillis, iterator.next());
      if (done) return;
      bytes += value.length;
      if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
      yield value;
    }
  } finally {
    void iterator.return?.();
  }
}

/** Rejects with a `HttpError` 408 where the client takes too long. */
export async function within<R>(millis: number, work: Promise<R>): Promise<R> {
  const { promise, reject } = Promise.withResolvers<never>();
  const watch = new Stopwatch(millis, () => {
    const message = `the client was silent for ${millis} ms`;
    reject(new HttpError('ERR_HTTP_CLIENT_TIMEOUT', message));
  });
  watch.start();
  try {
    return await Promise.race([work, promise]);
  } finally {
    watch.pause();
  }
}

/**
 * A small body in one piece, so that no instance waits for a slow client; undefined where it is to be
 * streamed. Rejects as reading `limited` does.
 */
export async function wholeBody(
  { body, length }: ComponentRequest,
  limits: BodyLimits,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === undefined) return new Uint8Array();
  if (length === undefined || length > WHOLE_BYTES) return undefined;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of limited(body, limits)) chunks.push(chunk);
  const whole = new Uint8Array(chunks.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
