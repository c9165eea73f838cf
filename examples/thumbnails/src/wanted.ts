import { FORMATS, SIZES, type Wanted } from './thumbnail.js';

/** A request that cannot be understood. */
export class RequestError extends Error {
  readonly statusCode = 400;
}

/** Reads `?size=320&format=webp`. */
export function readWanted(query: Readonly<Record<string, unknown>>): Wanted {
  const { size = '320', format = 'webp' } = query;
  return {
    size: oneOf('size', SIZES, size),
    format: oneOf('format', FORMATS, format),
  };
}

function oneOf<V extends string | number>(name: string, accepted: readonly V[], given: unknown): V {
  const value = accepted.find((it) => String(it) === given);
  if (value !== undefined) return value;
  throw new RequestError(`${name} is ${JSON.stringify(given)}; accepted: ${accepted.join(', ')}`);
}
