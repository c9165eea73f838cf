/** A request that the component has no answer for, or may not be asked. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Throws where a component's answer has a status that cannot be a last one: RFC 9110, 15. */
export function checkStatus(status: number): void {
  if (status >= 200 && status <= 599) return;
  const message = `the component answered with the status ${status}`;
  throw new HttpError(502, 'ERR_COMPONENT_ANSWER', message);
}
