/** What an error tells a web framework, so that the framework answers right by itself. */
export interface HttpAnswer {
  /**
   * The HTTP status: 503 where the pool is full, late, closed or out of memory, 504 where a call took too
   * long, or else 500. Read by Express, Fastify, Koa and NestJS.
   */
  readonly statusCode: number;
  /** Whether the same call may succeed later, with the same pool. */
  readonly retryable: boolean;
  /** When that is likely to be, in milliseconds from now, where it is known. */
  readonly retryAfterMillis?: number;
  /** `retry-after`, in seconds, where it is retryable. Sent by Express, Fastify and Koa. */
  readonly headers: Readonly<Record<string, string>>;
  /** False: the message is no client's business. Read by Koa and NestJS. */
  readonly expose: false;
}

/** What differs from one error to the next. */
export interface AnswerOptions {
  /** Default 500. */
  readonly statusCode?: number | undefined;
  /** Default false. */
  readonly retryable?: boolean | undefined;
  readonly retryAfterMillis?: number | undefined;
}

/** Gives an error its part of the answer. The fields that only frameworks read are not enumerable. */
export function setAnswer(
  error: Error,
  { statusCode = 500, retryable = false, retryAfterMillis }: AnswerOptions,
): void {
  const headers = retryable ? { 'retry-after': String(seconds(retryAfterMillis)) } : {};
  Object.assign(error, { statusCode, retryable });
  if (retryAfterMillis !== undefined) Object.assign(error, { retryAfterMillis });
  // Writable, because Koa and http-errors write on the errors that they handle.
  for (const [name, value] of Object.entries({ headers, expose: false })) {
    Object.defineProperty(error, name, { value, writable: true, configurable: true });
  }
}

/** RFC 9110, 10.2.3: whole seconds. A client that is told 0 comes back at once. */
function seconds(millis = 0): number {
  return Math.max(Math.ceil(millis / 1000), 1);
}

/** The answer of what caused an error, as far as the cause has one. */
export function answerOf(cause: unknown): AnswerOptions {
  if (!(cause instanceof Error)) return {};
  const { statusCode, retryable, retryAfterMillis } = cause as Partial<HttpAnswer>;
  const isServerError = typeof statusCode === 'number' && statusCode >= 500 && statusCode <= 599;
  if (!isServerError || typeof retryable !== 'boolean') return {};
  return { statusCode, retryable, retryAfterMillis };
}
