import type { HttpAnswer } from '@wasm-pool/core';
import { answerOf, setAnswer } from '@wasm-pool/core/internal';

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

/**
 * Why a component has no answer for a request. `status`, and `statusCode`, is what the client is told;
 * the rest of the answer is that of its `cause`.
 */
export class HttpError extends Error implements HttpAnswer {
  declare readonly statusCode: number;
  declare readonly retryable: boolean;
  declare readonly retryAfterMillis?: number;
  declare readonly headers: Readonly<Record<string, string>>;
  declare readonly expose: false;

  readonly code: HttpErrorCode;
  readonly status: number;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpError';
    this.code = code;
    this.status = STATUS[code];
    setAnswer(this, { ...answerOf(options?.cause), statusCode: this.status });
  }
}

/** What a request failed with, as a `HttpError`: by what the error of the pool answers. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const options = { cause: error };
  switch (answerOf(error).statusCode) {
    case 503:
      return new HttpError('ERR_HTTP_BUSY', 'no instance of the component is free', options);
    case 504:
      return new HttpError('ERR_HTTP_TIMEOUT', 'the component took too long', options);
    default:
      return new HttpError('ERR_HTTP_ANSWER', 'the component failed', options);
  }
}

/** Throws where a component's answer has a status that cannot be a last one: RFC 9110, 15. */
export function checkStatus(status: number): void {
  if (status >= 200 && status <= 599) return;
  throw new HttpError('ERR_HTTP_ANSWER', `the component answered with the status ${status}`);
}

/** The answer to a client: `{"error": {"code", "message"}}`, with nothing of the cause. */
export function errorResponse(error: HttpError): Response {
  const { status, code, message } = error;
  const headers = new Headers({ ...error.headers, 'content-type': 'application/json' });
  return new Response(`${JSON.stringify({ error: { code, message } })}\n`, { status, headers });
}
