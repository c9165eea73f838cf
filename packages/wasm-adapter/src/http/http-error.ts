import { PoolError } from '@wasm-pool/core';
import { WasmError } from '../errors.js';

/** The codes of a `HttpError`. */
export type HttpErrorCode =
  /** The component did not answer, or not with what can be sent: 502. */
  | 'ERR_HTTP_ANSWER'
  /** The component took longer than `timeoutMillis`: 504. */
  | 'ERR_HTTP_TIMEOUT'
  /** No instance was free in time: 503. */
  | 'ERR_HTTP_BUSY'
  /** The request's body is larger than `maxBodyBytes`: 413. */
  | 'ERR_HTTP_BODY_SIZE'
  /** The client did not send, or take, anything for `clientTimeoutMillis`: 408. */
  | 'ERR_HTTP_CLIENT_TIMEOUT'
  /** The request cannot be put to a component: 400. */
  | 'ERR_HTTP_REQUEST';

const STATUS: Readonly<Record<HttpErrorCode, number>> = {
  ERR_HTTP_ANSWER: 502,
  ERR_HTTP_TIMEOUT: 504,
  ERR_HTTP_BUSY: 503,
  ERR_HTTP_BODY_SIZE: 413,
  ERR_HTTP_CLIENT_TIMEOUT: 408,
  ERR_HTTP_REQUEST: 400,
};

/** Why a component has no answer for a request. `status` is what the client is told. */
export class HttpError extends Error {
  readonly code: HttpErrorCode;
  readonly status: number;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpError';
    this.code = code;
    this.status = STATUS[code];
  }
}

/** What a request failed with, as a `HttpError`. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof PoolError) {
    return new HttpError('ERR_HTTP_BUSY', 'no instance of the component is free', { cause: error });
  }
  if (error instanceof WasmError && error.code === 'ERR_WASM_CALL_TIMEOUT') {
    return new HttpError('ERR_HTTP_TIMEOUT', 'the component took too long', { cause: error });
  }
  return new HttpError('ERR_HTTP_ANSWER', 'the component failed', { cause: error });
}

/** Throws where a component's answer has a status that cannot be a last one: RFC 9110, 15. */
export function checkStatus(status: number): void {
  if (status >= 200 && status <= 599) return;
  throw new HttpError('ERR_HTTP_ANSWER', `the component answered with the status ${status}`);
}

/** The answer to a client: `{"error": {"code", "message"}}`, with nothing of the cause. */
export function errorResponse(error: HttpError): Response {
  const { status, code, message } = error;
  const headers = new Headers({ 'content-type': 'application/json' });
  if (status === 503) headers.set('retry-after', '1');
  return new Response(`${JSON.stringify({ error: { code, message } })}\n`, { status, headers });
}
