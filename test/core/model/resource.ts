/** A pooled resource: nothing but an identity. */
export class Resource {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

/** What the model knows of a resource from its creation to its destruction. */
export interface Place {
  /** `due`: the pool has to make that call of the factory before it returns to its caller. */
  at: 'idle' | 'lent' | 'validating' | 'recycling' | 'due' | 'gone';
  since: number;
  due?: 'recycle' | 'validate' | 'destroy';
  /** Why it is destroyed, where it is due for that or its verdict will be a no. */
  reasons: string[];
  /** It was there when the pool was replaced: it goes when it is returned. */
  stale: boolean;
  /** Until when an answer of `validate` that took time holds. */
  validUntil: number;
  /** How often it was lent. */
  loans: number;
  /** Which of all loans it is on. */
  loan: number;
  /** It came when close had given its creation up: nobody waits for its destruction. */
  readonly unawaited: boolean;
}

/** What comes of an acquire. `error`: its name; `reason`: the signal's, itself. */
export type Outcome =
  | { lent: Resource; loan: number }
  | { error: string; cause?: unknown }
  | { reason: unknown };

/** One acquire, of whatever kind. */
export interface Ask {
  readonly id: number;
  readonly priority: number;
  readonly deadline: number;
  /** It waits in front of the others of its priority, and may while the pool drains. */
  readonly requeue: boolean;
  /** It takes what is passed on. */
  readonly acceptsHandOff: boolean;
  outcome?: Outcome;
}
