import { FactoryTimeoutError } from '@wasm-pool/core';
import { type AdapterPool, createAdapterPool } from '@wasm-pool/core/internal';
import { Borrowers } from './borrowers.ts';
import { type Faults, FaultyFactory, type Thing } from './faulty-factory.ts';
import { randomFrom } from './random.ts';

/** What a part of a soak came to. */
export interface Round {
  readonly lends: number;
  readonly heapBytes: number;
}

/** What a soak came to. */
export interface Soaked {
  readonly seed: number;
  readonly lends: number;
  readonly faults: Faults;
  /** The heap after each round, all garbage collected. */
  readonly rounds: readonly Round[];
  /** What did not agree at the end; nothing, as it should be. */
  readonly wrong: readonly string[];
}

const MAX = 8;
const BURST = 2;

/**
 * Lends `lends` times from one pool to borrowers that do all that borrowers do, with a factory that
 * fails in all ways in which it can. Needs `--expose-gc`.
 */
export async function soak(
  lends: number,
  rounds: number,
  seed: number,
  tell: (round: Round) => void = () => {},
): Promise<Soaked> {
  const random = randomFrom(seed);
  const faults: Faults = {};
  const wrong: string[] = [];
  const factory = new FaultyFactory(random, faults);
  const pool = createAdapterPool<Thing>(factory, {
    max: MAX,
    burst: BURST,
    min: 2,
    testOnBorrow: true,
    maxUses: 300,
    maxAgeMillis: 5000,
    idleTimeoutMillis: 1000,
    evict: () => random() < 0.01 && 'policy',
    acquireTimeoutMillis: 1000,
    createTimeoutMillis: 20,
    destroyTimeoutMillis: 20,
  });
  // How many calls took too long is not known: on a busy machine more do than those that hang.
  const timeouts = { create: 0, destroy: 0 };
  pool.on('factoryCreateError', ({ cause }) => {
    if (cause instanceof FactoryTimeoutError) timeouts.create++;
  });
  pool.on('factoryDestroyError', ({ cause }) => {
    if (cause instanceof FactoryTimeoutError) timeouts.destroy++;
  });
  const events = { create: 0, destroy: 0, factoryCreateError: 0, factoryDestroyError: 0, leak: 0 };
  for (const name of Object.keys(events) as (keyof typeof events)[]) {
    pool.on(name, () => {
      events[name]++;
      if (pool.size > MAX + BURST) wrong.push(`${pool.size} resources`);
    });
  }
  const borrowers = new Borrowers(pool, random, faults);
  const sweep = setInterval(collect, 200); // a lost lease comes back when it is collected

  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const crowd = 2 + Math.floor(random() * 40);
    await borrowers.work(crowd, (lends / rounds) * round);
    await atRest(pool);
    measured.push({ lends: pool.stats().acquired, heapBytes: process.memoryUsage().heapUsed });
    tell(measured.at(-1) as Round);
  }
  clearInterval(sweep);
  await pool.close({ timeoutMillis: 1000 });
  await new Promise((resolve) => setTimeout(resolve, 50)); // what was created late is destroyed, too

  const stats = pool.stats();
  const counted: [string, number, number][] = [
    ['acquires that ended', borrowers.ended, borrowers.asked],
    ['size', stats.size, 0],
    ['borrowed', stats.borrowed, 0],
    ['pending', stats.pending, 0],
    ['created, as the factory counts', stats.created, factory.made],
    ['destroyed, as the factory counts', stats.destroyed, factory.destroyed],
    ['destroyed, of those created', stats.destroyed, stats.created],
    ['destroyedBy', sum(Object.values(stats.destroyedBy)), stats.destroyed],
    ['create events', events.create, stats.created],
    ['destroy events', events.destroy, stats.destroyed],
    ['factoryCreateError events', events.factoryCreateError, stats.createErrors],
    ['factoryDestroyError events', events.factoryDestroyError, stats.destroyErrors],
    [
      'creations that failed',
      stats.createErrors - timeouts.create,
      count(faults, /^(create (throws|rejects|gives)|canCreate)/),
    ],
    [
      'destructions that failed',
      stats.destroyErrors - timeouts.destroy,
      count(faults, /^destroy (throws|rejects)/),
    ],
    ['leaks', stats.leaks, borrowers.lost],
    ['leak events', events.leak, borrowers.lost],
  ];
  for (const [what, is, due] of counted) if (is !== due) wrong.push(`${what}: ${is}, not ${due}`);
  return { seed, lends: stats.acquired, faults, rounds: measured, wrong };
}

/** By how much the heap grew from the first round's end, by when all code was compiled, to the last's. */
export function growth({ rounds }: Soaked): number {
  return (rounds.at(-1)?.heapBytes ?? 0) - (rounds[0]?.heapBytes ?? 0);
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('soak: needs node --expose-gc');
  globalThis.gc();
}

/** Nothing is lent, created or judged any more; and what is garbage is gone. */
async function atRest(pool: AdapterPool<Thing>): Promise<void> {
  do {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50)); // longer than any timeout of the factory's
  } while (pool.stats().borrowed > 0);
  collect();
}

function count(faults: Faults, which: RegExp): number {
  return sum(Object.entries(faults).map(([fault, times]) => (which.test(fault) ? times : 0)));
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
