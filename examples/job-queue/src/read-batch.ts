import type { Tile } from './job.js';

/** A batch that cannot be: says what was given, and what is accepted. */
export class BatchError extends Error {
  readonly code = 'ERR_BATCH';
  readonly statusCode = 400;
}

/** What a client asks for: a square of the plane, as tiles. */
export interface WantedBatch {
  readonly tiles: readonly Tile[];
  /** 1 goes first, 10 last. */
  readonly priority: number;
}

/** Reads the body of a request. Throws a `BatchError`. */
export function readBatch(body: unknown): WantedBatch {
  if (typeof body !== 'object' || body === null) throw refused('the body', body, 'a JSON object');
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const value: unknown = Reflect.get(body, name) ?? fallback;
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw refused(name, value, `a number from ${least} to ${most}`);
  };
  const whole = (name: string, fallback: number, least: number, most: number): number => {
    const value = number(name, fallback, least, most);
    if (Number.isInteger(value)) return value;
    throw refused(name, value, `a whole number from ${least} to ${most}`);
  };
  const left = number('left', -2.2, -4, 4);
  const top = number('top', -1.5, -4, 4);
  const width = number('width', 3, 1e-13, 8);
  const columns = whole('columns', 16, 1, 32);
  const tileWidth = width / columns;
  const size = whole('size', 32, 1, 1_024);
  const iterations = whole('iterations', 500, 1, 2 ** 32 - 1);
  const tiles = Array.from({ length: columns ** 2 }, (_, index) => ({
    left: left + (index % columns) * tileWidth,
    top: top + Math.floor(index / columns) * tileWidth,
    width: tileWidth,
    size,
    iterations,
  }));
  return { tiles, priority: whole('priority', 5, 1, 10) };
}

function refused(name: string, value: unknown, accepted: string): BatchError {
  return new BatchError(`${name} is ${JSON.stringify(value)}; accepted: ${accepted}`);
}
