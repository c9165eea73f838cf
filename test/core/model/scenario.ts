import fc from 'fast-check';

/** How one acquire, of whatever kind, is made. */
export interface Asking {
  priority?: number | undefined;
  timeoutMillis?: number | undefined;
  /** `before`: aborted already; `later`: an `abort` may follow. */
  signal?: 'before' | 'later' | undefined;
  requeue?: boolean | undefined;
  acceptsHandOff?: boolean | undefined;
}

/** What a factory's call does. `hang`: nothing, until a `settle` says what. */
export const modes = {
  create: ['value', 'promise', 'throw', 'reject', 'hang', 'undefined', 'duplicate'],
  validate: ['yes', 'no', 'reason', 'throw', 'reject', 'hang'],
  recycle: ['yes', 'no', 'reason', 'throw', 'reject', 'hang'],
  destroy: ['value', 'promise', 'throw', 'reject', 'hang'],
} as const;

export type Call = keyof typeof modes;
export type Mode<C extends Call> = (typeof modes)[C][number];

/** How a borrower's function goes about it: `keeps` ends only when a `finish` says so. */
const borrowers = ['returns', 'throws', 'keeps', 'releases', 'destroys'] as const;
export type Borrower = (typeof borrowers)[number];

/** One step of a run. `pick` chooses among the candidates of the moment. */
export type Operation =
  | { do: 'acquire'; ask: Asking }
  | { do: 'tryAcquire' }
  | { do: 'use'; how: Borrower; ask: Asking }
  | { do: 'useSync'; how: Borrower }
  | { do: 'lease'; ask: Asking }
  | { do: 'release'; pick: number }
  | { do: 'destroy'; pick: number }
  | { do: 'handOff'; pick: number }
  | { do: 'misuse'; how: 'release' | 'destroy'; pick: number }
  | { do: 'endLease'; how: 'release' | 'destroy' | 'dispose'; pick: number }
  | { do: 'finish'; how: 'returns' | 'throws'; pick: number; meanwhile: number }
  | { do: 'abort'; pick: number }
  | { do: 'pass'; millis: number }
  | { do: 'mode'; call: Call; mode: Mode<Call> }
  | { do: 'settle'; how: 'yes' | 'no' | 'reason' | 'reject'; pick: number; meanwhile: number }
  | { do: 'start' }
  | { do: 'gate'; does: 'open' | 'shut' | 'throws' }
  | { do: 'grow'; count: number }
  | { do: 'evict'; count: number }
  | { do: 'drain' }
  | { do: 'clear' }
  | { do: 'replace' }
  | { do: 'resize'; max: number; min: number }
  | { do: 'ready'; count: number }
  | { do: 'close'; timeoutMillis: number };

/** `together`: the next step follows before any promise is settled. */
export type Step = Operation & { together: boolean };

/** Options of the pool, whether it has a policy (`evictWorn`), and whether its factory recycles. */
export interface Setup {
  max: number;
  min: number;
  burst: number;
  priorityRange: number;
  propagateCreateError: boolean;
  fifo: boolean;
  autostart: boolean;
  maxUses: number;
  maxWaitingClients: number | undefined;
  testOnBorrow: boolean;
  idleTimeoutMillis: number;
  softIdleTimeoutMillis: number;
  evictWorn: boolean;
  evictionRunIntervalMillis: number;
  acquireTimeoutMillis: number;
  createTimeoutMillis: number;
  destroyTimeoutMillis: number;
  recycles: boolean;
  /** The model leaves `true` to tests of its own. */
  countDestroying: false;
}

const pick = fc.nat({ max: 11 });
// Few and round, so that several things often fall due in the same millisecond.
const millis = fc.constantFrom(1, 10, 20, 50, 100);
const limit = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: millis });

const ask: fc.Arbitrary<Asking> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        priority: fc.nat({ max: 3 }),
        timeoutMillis: limit,
        signal: fc.constantFrom('later', 'later', 'later', 'before'),
        requeue: fc.constantFrom(false, false, true),
        acceptsHandOff: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
);

const how = fc.constantFrom<'release' | 'destroy'>('release', 'destroy');
const meanwhile = fc.nat({ max: 9 });

const mode = fc.constantFrom('create', 'validate', 'recycle', 'destroy').chain((call: Call) =>
  fc.record({
    do: fc.constant('mode' as const),
    call: fc.constant(call),
    mode: fc.constantFrom<Mode<Call>>(modes[call][0], ...modes[call]),
  }),
);

function op<D extends Operation['do']>(
  name: D,
  rest: {
    [K in Exclude<keyof Extract<Operation, { do: D }>, 'do'>]: fc.Arbitrary<
      Extract<Operation, { do: D }>[K]
    >;
  },
): fc.Arbitrary<Operation> {
  return fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<Operation>;
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 16, arbitrary: op('acquire', { ask }) },
  { weight: 6, arbitrary: op('tryAcquire', {}) },
  { weight: 10, arbitrary: op('use', { how: fc.constantFrom(...borrowers), ask }) },
  { weight: 6, arbitrary: op('useSync', { how: fc.constantFrom(...borrowers) }) },
  { weight: 5, arbitrary: op('lease', { ask }) },
  { weight: 14, arbitrary: op('release', { pick }) },
  { weight: 4, arbitrary: op('destroy', { pick }) },
  { weight: 5, arbitrary: op('handOff', { pick }) },
  { weight: 4, arbitrary: op('misuse', { how, pick }) },
  {
    weight: 6,
    arbitrary: op('endLease', { how: fc.constantFrom('release', 'destroy', 'dispose'), pick }),
  },
  {
    weight: 7,
    arbitrary: op('finish', { how: fc.constantFrom('returns', 'throws'), pick, meanwhile }),
  },
  { weight: 5, arbitrary: op('abort', { pick }) },
  { weight: 8, arbitrary: op('pass', { millis: fc.oneof(millis, millis, fc.constant(300)) }) },
  { weight: 8, arbitrary: mode },
  {
    weight: 14,
    arbitrary: op('settle', {
      how: fc.constantFrom('yes', 'yes', 'no', 'reason', 'reject'),
      pick,
      meanwhile,
    }),
  },
  { weight: 1, arbitrary: op('start', {}) },
  { weight: 2, arbitrary: op('ready', { count: fc.nat({ max: 4 }) }) },
  { weight: 3, arbitrary: op('gate', { does: fc.constantFrom('open', 'open', 'shut', 'throws') }) },
  { weight: 2, arbitrary: op('grow', { count: fc.nat({ max: 3 }) }) },
  { weight: 2, arbitrary: op('evict', { count: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: op('clear', {}) },
  { weight: 2, arbitrary: op('replace', {}) },
  { weight: 3, arbitrary: op('resize', { max: fc.nat({ max: 4 }), min: fc.nat({ max: 2 }) }) },
);

/** Ends most runs' pools somewhere in the second half; the rest are closed by the run itself. */
const ending: fc.Arbitrary<readonly Operation[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.tuple(op('drain', {})) },
  { weight: 2, arbitrary: fc.tuple(op('close', { timeoutMillis: limit })) },
);

const together = fc.constantFrom(false, false, true);
const steps = (operations: fc.Arbitrary<Operation>, maxLength: number) =>
  fc.array(
    fc.tuple(operations, together).map(([it, joined]): Step => ({ ...it, together: joined })),
    { maxLength, size: 'max' },
  );

const lasts = fc.oneof(
  { weight: 12, arbitrary: operation },
  { weight: 1, arbitrary: op('close', { timeoutMillis: limit }) },
);

const max = fc.constantFrom(0, 1, 1, 2, 2, 3, 4);

const setup: fc.Arbitrary<Setup> = max.chain((most) =>
  fc.record({
    max: fc.constant(most),
    min: fc.oneof(fc.constant(0), fc.nat({ max: most === 0 ? 2 : most })),
    burst: fc.constantFrom(0, 0, 1, 2),
    priorityRange: fc.integer({ min: 1, max: 3 }),
    propagateCreateError: fc.constantFrom(true, true, false),
    fifo: fc.boolean(),
    autostart: fc.boolean(),
    maxUses: fc.constantFrom(0, 0, 1, 2, 3),
    maxWaitingClients: fc.constantFrom(undefined, undefined, 0, 1, 3),
    testOnBorrow: fc.boolean(),
    idleTimeoutMillis: limit,
    softIdleTimeoutMillis: fc.constantFrom(0, 0, 0, 10, 50),
    evictWorn: fc.constantFrom(false, false, false, true),
    evictionRunIntervalMillis: fc.constantFrom(0, 0, 0, 10, 50),
    acquireTimeoutMillis: limit,
    createTimeoutMillis: fc.constantFrom(0, 20, 100),
    destroyTimeoutMillis: fc.constantFrom(0, 20, 100),
    recycles: fc.boolean(),
    countDestroying: fc.constant(false as const),
  }),
);

/** A pool and what happens to it. */
export interface Scenario {
  setup: Setup;
  steps: Step[];
}

export const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    setup,
    first: steps(operation, 120),
    end: fc.tuple(ending, together),
    last: steps(lasts, 30),
  })
  .map(({ setup: options, first, end: [operations, joined], last }) => ({
    setup: options,
    steps: [...first, ...operations.map((it): Step => ({ ...it, together: joined })), ...last],
  }));
