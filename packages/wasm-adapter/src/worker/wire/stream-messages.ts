import type { SerializedThrow } from './serialized-error.js';

/** What is asked for by the port of a result that comes bit by bit. */
export const streamRequest = { next: 0, leave: 1 } as const;

/** What is answered: a value, the end, or what the source threw, which ends it, too. */
export interface StreamAnswer {
  readonly value?: unknown;
  readonly done?: true;
  readonly threw?: SerializedThrow;
}
