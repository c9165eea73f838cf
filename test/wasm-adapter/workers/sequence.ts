import { move, type WasmWorkerPoolOptions } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { expect } from 'vitest';
import { atRest, threadCount, until, type workerPool } from './pools.js';

type WorkerPool = Awaited<ReturnType<typeof workerPool>>;
type Run = WorkerPool['run'];

const sync = ['returns', 'blocks', 'throws', 'traps', 'exits', 'moves', 'is unclonable'] as const;
const later = ['returns', 'throws', 'crashes'] as const;

/** What a call does, and what is done to it. */
export type Step =
  | { readonly do: 'step'; readonly kind: (typeof sync)[number]; readonly priority: number }
  | { readonly do: 'stepLater'; readonly kind: (typeof later)[number]; readonly priority: number }
  | { readonly do: 'overdue'; readonly kind: 'loops' | 'hangs'; readonly priority: number }
  | { readonly do: 'abort'; readonly kind: 'returns' | 'loops' | 'hangs'; readonly turns: number }
  | { readonly do: 'hurry'; readonly millis: number }
  | { readonly do: 'argument' | 'unknown' | 'detached' | 'rest' }
  | { readonly do: 'loan'; readonly kinds: readonly ('returns' | 'throws' | 'traps')[] }
  | {
      readonly do: 'careless';
      readonly kind: 'returns' | 'loops';
      readonly how: 'release' | 'destroy';
    }
  | { readonly do: 'turns'; readonly turns: number };

const priority = fc.constantFrom(0, 1);

/** Any step; those that cost a thread are rarer. */
export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant('step'), kind: fc.constant('returns'), priority }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('step'), kind: fc.constantFrom(...sync), priority }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('stepLater'),
      kind: fc.constantFrom(...later),
      priority,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('overdue'),
      kind: fc.constantFrom('loops', 'hangs'),
      priority,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('abort'),
      kind: fc.constantFrom('returns', 'returns', 'loops', 'hangs'),
      turns: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('hurry'), millis: fc.integer({ min: 1, max: 10 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('argument', 'unknown', 'detached', 'rest') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('loan'),
      kinds: fc.array(fc.constantFrom('returns', 'throws', 'traps'), { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('careless'),
      kind: fc.constantFrom('returns', 'loops'),
      how: fc.constantFrom('release', 'destroy'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turns'), turns: fc.nat(3) }) },
) as fc.Arbitrary<Step>;

/** The pools that sequences run on. */
export const setups: fc.Arbitrary<WasmWorkerPoolOptions> = fc.record({
  max: fc.constantFrom(1, 1, 2, 3),
  reset: fc.constantFrom('reuse', 'reuse', 'restore', 'fresh'),
  maxUses: fc.constantFrom(0, 0, 7),
  priorityRange: fc.constant(2),
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs the steps at once, but for their pauses, and checks what became of each call. */
export async function runSequence(pool: WorkerPool, all: readonly Step[]): Promise<void> {
  const sequence = new Sequence(pool);
  for (const step of all) await sequence.take(step);
  await Promise.all(sequence.checks);
  await atRest(pool);
  sequence.checkOrder();
}

class Sequence {
  readonly checks: Promise<void>[] = [];
  readonly #pool: WorkerPool;
  readonly #words = new Int32Array(new SharedArrayBuffer(8 * 1000));
  /** The calls of each priority, in order of arrival. */
  readonly #lines: [number[], number[]] = [[], []];
  #last = 0;

  constructor(pool: WorkerPool) {
    this.#pool = pool;
  }

  async take(step: Step): Promise<void> {
    const pool = this.#pool;
    switch (step.do) {
      case 'turns':
        for (let left = step.turns; left > 0; left--) await turn();
        return;
      case 'rest':
        await Promise.all(this.checks);
        return;
      case 'unknown':
        this.#expect(pool.call('nowhere' as 'sum', [1, 2]), { code: 'ERR_WASM_TASK' });
        return;
      case 'argument':
        this.#expect(
          pool.run.echo(() => {}),
          { code: 'ERR_WASM_CLONE' },
        );
        return;
      case 'detached':
        this.#expect(pool.run.size(detached), { code: 'ERR_WASM_CLONE' });
        return;
      case 'step':
      case 'stepLater': {
        const record = this.#record(step.priority);
        const bytes = step.kind === 'moves' ? [move(new Uint8Array(9))] : [];
        const args = [step.kind, record, ...bytes] as Parameters<Run['step']>;
        const call = pool.call(step.do as 'step', args, { priority: step.priority });
        this.#expect(call, outcomeOf(step.kind, record.at), record.at, [1]);
        return;
      }
      case 'overdue': {
        const record = this.#record(step.priority);
        const call = pool.call(step.kind === 'loops' ? 'step' : 'stepLater', [step.kind, record], {
          callTimeoutMillis: 15,
          priority: step.priority,
        });
        this.#expect(call, { code: 'ERR_WASM_CALL_TIMEOUT' }, record.at, [0, 1]);
        return;
      }
      case 'abort': {
        const record = this.#record(1);
        const controller = new AbortController();
        const reason = new Error('aborted');
        const call = pool.call(step.kind === 'hangs' ? 'stepLater' : 'step', [step.kind, record], {
          signal: controller.signal,
        });
        this.#expect(
          call.catch((error: unknown) => (error === reason ? record.at : Promise.reject(error))),
          { value: record.at },
          record.at,
          [0, 1],
        );
        for (let left = step.turns; left > 0; left--) await turn();
        controller.abort(reason);
        return;
      }
      case 'hurry': {
        const record = this.#record(1);
        const call = pool.call('step', ['returns', record], { timeoutMillis: step.millis });
        const tooLate = (error: { code?: string }) => {
          if (error.code !== 'ERR_POOL_ACQUIRE_TIMEOUT') throw error;
          expect(this.#runs(record.at)).toBe(0);
          return record.at;
        };
        this.#expect(call.catch(tooLate), { value: record.at }, record.at, [0, 1]);
        return;
      }
      case 'loan':
        this.#expect(
          pool.use(async (worker) => {
            for (const kind of step.kinds) {
              const record = this.#record();
              const call = worker.run.step(kind, record);
              await this.#check(call, outcomeOf(kind, record.at), record.at, [1]);
            }
          }),
          { value: undefined },
        );
        return;
      case 'careless': {
        const record = this.#record();
        const borrowed = pool.acquire().then(async (worker) => {
          const call = worker.run.step(step.kind, record);
          const over = call.catch(({ code }) => expect(code).toBe('ERR_WASM_WORKER_EXIT'));
          await pool[step.how](worker);
          await over;
        });
        this.#expect(borrowed, { value: undefined }, record.at, [0, 1]);
      }
    }
  }

  #record(line?: number) {
    const at = ++this.#last;
    if (line !== undefined) this.#lines[line as 0 | 1].push(at);
    return { words: this.#words, at };
  }

  /** How often a call ran. */
  #runs(at: number): number {
    return Atomics.load(this.#words, 2 * at);
  }

  #expect(call: Promise<unknown>, outcome: object, at?: number, runs?: readonly number[]): void {
    this.checks.push(this.#check(call, outcome, at, runs));
  }

  async #check(
    call: Promise<unknown>,
    outcome: object,
    at?: number,
    runs: readonly number[] = [],
  ): Promise<void> {
    const got: object = await call.then(
      (value) => ({ value }),
      (error: object) => error,
    );
    expect(got).toMatchObject(outcome);
    if (at !== undefined) expect(runs).toContain(this.#runs(at));
  }

  checkOrder(): void {
    expect(Atomics.load(this.#words, 1), 'calls at once on one instance').toBe(0);
    if (this.#pool.max > 1) return;
    for (const line of this.#lines) {
      const begun = line.filter((at) => this.#runs(at) > 0);
      const order = begun.map((at) => Atomics.load(this.#words, 2 * at + 1));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  }
}

const detached = new Uint8Array(8);
structuredClone(detached, { transfer: [detached.buffer] });

function outcomeOf(kind: string, at: number): object {
  switch (kind) {
    case 'throws':
      return { name: 'RangeError', message: 'as it was told' };
    case 'traps':
      return { name: 'RuntimeError' };
    case 'exits':
    case 'crashes':
      return { code: 'ERR_WASM_WORKER_EXIT' };
    case 'is unclonable':
      return { code: 'ERR_WASM_CLONE' };
    case 'moves':
      return { value: new Uint8Array(9) };
    default:
      return { value: at };
  }
}

/** Waits until no more threads are there than before `run`. */
export async function leavingNoThread(run: () => Promise<void>): Promise<void> {
  const before = threadCount();
  await run();
  await until(() => threadCount() <= before);
}
