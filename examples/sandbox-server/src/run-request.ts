import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Script } from './execution.js';

const CODE_TYPES = ['text/plain', 'application/javascript', 'text/javascript'];

/** A request that cannot be understood. */
export class RequestError extends Error {
  readonly statusCode = 400;
  readonly code = 'ERR_REQUEST';
}

/** Has the bodies of `POST /run` parsed to a `Script`. */
export function parseScripts(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const decode = (body: Buffer): string => {
    try {
      return utf8.decode(body);
    } catch {
      throw new RequestError('the body is not UTF-8');
    }
  };
  app.addContentTypeParser(
    CODE_TYPES,
    { parseAs: 'buffer' },
    async (_: FastifyRequest, body: Buffer) => scriptOf(decode(body), undefined),
  );
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_: FastifyRequest, body: Buffer) => fromJson(decode(body)),
  );
}

function fromJson(text: string): Script {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new RequestError(`the body is not JSON: ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RequestError('the body is not an object; accepted: {"code": "…", "input": anything}');
  }
  const { code, input, ...others } = body as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new RequestError(`the body has ${JSON.stringify(other)}; accepted: "code" and "input"`);
  }
  if (typeof code !== 'string') throw new RequestError('"code" is not a string');
  return scriptOf(code, 'input' in body ? jsonOf(input) : undefined);
}

function jsonOf(input: unknown): string {
  try {
    return JSON.stringify(input);
  } catch (error) {
    throw new RequestError(`"input" is nested too deep: ${(error as Error).message}`);
  }
}

function scriptOf(code: string, inputJson: string | undefined): Script {
  if (code.trim() === '') throw new RequestError('there is no code in the body');
  return { code, inputJson };
}
