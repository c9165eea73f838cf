import { type Header, OutgoingError, type OutgoingRequests } from '../outgoing-requests.js';
import { type ByteStream, chunksOf } from './streams.js';

type Result = { readonly tag: 'ok' | 'err'; readonly val: unknown };

/** As much as is used of the shim's `request`. */
interface Request {
  getMethod(): { readonly tag: string; readonly val?: string };
  getScheme(): { readonly tag: string; readonly val?: string } | undefined;
  getAuthority(): string | undefined;
  getPathWithQuery(): string | undefined;
  getHeaders(): { copyAll(): Header[] };
  getOptions():
    | { getFirstByteTimeout(): bigint | undefined; getBetweenBytesTimeout(): bigint | undefined }
    | null
    | undefined;
  /** Answers the component whether its request was sent. */
  _resolve(result: Result): void;
}

/** As much as is used of the shim's packages for it. */
export interface HttpPackages {
  readonly http: {
    readonly types: {
      Fields: { fromList(headers: readonly Header[]): object };
      Request: {
        consumeBody(
          request: Request,
          received: PromiseLike<unknown>,
        ): [ByteStream | null, PromiseLike<unknown>];
      };
      Response: {
        new: (
          headers: object,
          body: object,
          trailers: object,
        ) => [{ setStatusCode(status: number): void }, unknown];
      };
    };
  };
  readonly stream: { StreamReader: new (chunks: AsyncIterable<Uint8Array>) => object };
  readonly future: { FutureReader: new (value: Promise<unknown>) => object };
}

const done: Result = { tag: 'ok', val: undefined };

/**
 * `wasi:http/client`, over the platform's fetch. The shim's has a thread of its own, and a server that
 * breaks off its answer ends the process there.
 */
export function httpClient(
  { http: { types }, stream, future }: HttpPackages,
  requests: OutgoingRequests,
  dropped: AbortSignal,
): { send(request: Request): Promise<unknown> } {
  return {
    async send(request) {
      const [body, trailers] = types.Request.consumeBody(request, Promise.resolve(done));
      Promise.resolve(trailers).catch(() => {}); // fetch cannot send them
      try {
        const response = await requests.send({
          method: methodOf(request),
          url: urlOf(request),
          headers: request.getHeaders().copyAll(),
          body: body === null || body === undefined ? undefined : chunksOf(body),
          firstByteTimeoutMillis: millis(request.getOptions()?.getFirstByteTimeout()),
          betweenBytesTimeoutMillis: millis(request.getOptions()?.getBetweenBytesTimeout()),
          signal: dropped,
        });
        request._resolve(done);
        const ended = Promise.withResolvers<Result>();
        const chunks = new stream.StreamReader(noting(response.body, ended));
        const none = new future.FutureReader(ended.promise);
        const [answer] = types.Response.new(types.Fields.fromList(response.headers), chunks, none);
        answer.setStatusCode(response.status);
        return answer;
      } catch (error) {
        const failed = OutgoingError.from(error);
        request._resolve({ tag: 'err', val: failed.payload });
        throw failed;
      }
    },
  };
}

/**
 * The chunks, as far as they come: that the answer breaks off is in the future of its trailers, where
 * WASI has it. A stream of bytes has no error.
 */
async function* noting(
  chunks: AsyncIterable<Uint8Array>,
  ended: PromiseWithResolvers<Result>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
    ended.resolve({ tag: 'ok', val: undefined });
  } catch (error) {
    ended.resolve({ tag: 'err', val: OutgoingError.from(error).payload });
  } finally {
    ended.resolve({ tag: 'ok', val: undefined }); // nobody read on
  }
}

function methodOf(request: Request): string {
  const { tag, val } = request.getMethod();
  return tag === 'other' ? String(val) : tag.toUpperCase();
}

/** Throws an `OutgoingError` where there is no server to ask. */
function urlOf(request: Request): string {
  const scheme = request.getScheme();
  const authority = request.getAuthority();
  if (authority === undefined) throw new OutgoingError({ tag: 'HTTP-request-URI-invalid' });
  const protocol = scheme?.tag === 'other' ? scheme.val : (scheme?.tag ?? 'HTTP').toLowerCase();
  return `${protocol}://${authority}${request.getPathWithQuery() ?? '/'}`;
}

const NANOS_PER_MILLI = 1_000_000n;

function millis(nanos: bigint | undefined | null): number | undefined {
  return nanos === undefined || nanos === null ? undefined : Number(nanos / NANOS_PER_MILLI);
}
