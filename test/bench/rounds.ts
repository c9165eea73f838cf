import { measure } from 'mitata';
import { record } from './report.ts';

/** Something to measure: `run` does `operations` of it. */
export interface Subject {
  readonly name: string;
  readonly operations: number;
  readonly run: () => unknown;
}

/** What one operation took in each round, in nanoseconds. */
export type Rounds = readonly number[];

/** How much slower one subject is than another; `atMost` is what it may be. */
export interface Comparison {
  readonly of: string;
  readonly to: string;
  readonly atMost?: number;
}

/**
 * Measures all subjects in turn, `count` times over, so that what the machine does meanwhile hits
 * all of them alike. The first round warms up and does not count.
 */
export async function inRounds(
  subjects: readonly Subject[],
  count = 7,
): Promise<Map<string, Rounds>> {
  const rounds = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round <= count; round++) {
    for (const { name, operations, run } of subjects) {
      const { p50 } = await measure(run, { gc: false, min_samples: 5, min_cpu_time: 1e8 });
      if (round > 0) rounds.get(name)?.push(p50 / operations);
    }
  }
  return rounds;
}

/** By how many nanoseconds one subject is slower than another, and what that may be. */
export interface Difference {
  readonly of: string;
  readonly to: string;
  readonly atMost: number;
}

/** Prints and records each result, then each ratio and each difference, taken round by round. */
export function print(
  results: Map<string, Rounds>,
  comparisons: readonly Comparison[],
  differences: readonly Difference[] = [],
): void {
  const byRound = (of: string, to: string, how: (a: number, b: number) => number) => {
    const [all, others] = [results.get(of), results.get(to)];
    if (all === undefined) throw new TypeError(`there is no subject ${of}`);
    if (others === undefined) throw new TypeError(`there is no subject ${to}`);
    return spread(all.map((nanos, round) => how(nanos, others[round] as number)));
  };
  for (const [name, rounds] of results) record({ name, unit: 'ns', ...spread(rounds) });
  for (const { of, to, atMost } of comparisons) {
    const ratio = byRound(of, to, (a, b) => a / b);
    record({ name: `${of} ÷ ${to}`, unit: '', ...ratio, ...(atMost && { atMost }) });
  }
  for (const { of, to, atMost } of differences) {
    const nanos = byRound(of, to, (a, b) => a - b);
    record({ name: `${of} − ${to}`, unit: 'ns', ...nanos, atMost });
  }
}

/** The median, and the middle half. */
export function spread(values: Rounds): { median: number; from: number; to: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  const at = (place: number) => sorted[place] as number;
  return {
    median: at(Math.round(last / 2)),
    from: at(Math.floor(last / 4)),
    to: at(Math.ceil((last * 3) / 4)),
  };
}
