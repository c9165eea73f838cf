import { future } from '@bytecodealliance/preview3-shim/future';
import { types } from '@bytecodealliance/preview3-shim/http';
import { StreamReader } from '@bytecodealliance/preview3-shim/stream';
import type { Headers } from './headers.js';

export interface Request {
  setMethod(method: string | undefined): void;
  setScheme(scheme: { tag: string }): void;
  setAuthority(authority: string | undefined): void;
  setPathWithQuery(path: string | undefined): void;
}

export interface Response {
  getStatusCode(): number;
  getHeaders(): { copyAll(): Headers };
}

/** Chunks until there are none: then null. */
export type Body = Pick<StreamReader, 'read' | 'close'>;

// The shim's types have streams and promises of the platform where it has readers of its own.
const shim = types as unknown as {
  Fields: { fromList(headers: Headers): object };
  Request: {
    new: (headers: object, body: Body, trailers: PromiseLike<unknown>, options: null) => [Request];
  };
  Response: {
    consumeBody(it: Response, received: PromiseLike<unknown>): [Body | null, PromiseLike<unknown>];
  };
};

export function newRequest(headers: Headers, body: AsyncIterable<Uint8Array>): Request {
  const [it] = shim.Request.new(shim.Fields.fromList(headers), new StreamReader(body), ok(), null);
  return it;
}

export function bodyOf(it: Response): { body: Body | null; trailers: PromiseLike<unknown> } {
  const [body, trailers] = shim.Response.consumeBody(it, ok());
  return { body, trailers };
}

/** A future of a result that holds nothing. */
function ok(): PromiseLike<unknown> {
  const { tx, rx } = future();
  tx.write({ tag: 'ok', val: undefined });
  return rx;
}
