import { measure } from 'mitata';

/** Something to measure: `run` does `operations` of it. */
export interface Subject {
  readonly name: string;
  readonly operations: number;
  readonly run: () => unknown;
}

/** What one operation took: the median of the rounds, and the middle half of them. */
export interface Result {
  readonly nanos: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Measures all subjects in turn, `count` times over, so that what the machine does meanwhile hits
 * all of them alike. The first round warms up and does not count.
 */
export async function inRounds(
  subjects: readonly Subject[],
  count = 7,
): Promise<Map<string, Result>> {
  const medians = new Map<string, number[]>();
  for (let round = 0; round <= count; round++) {
    for (const { name, operations, run } of subjects) {
      const { p50 } = await measure(run, { gc: false, min_samples: 5, min_cpu_time: 1e8 });
      if (round > 0) medians.set(name, [...(medians.get(name) ?? []), p50 / operations]);
    }
  }
  return new Map([...medians].map(([name, values]) => [name, resultOf(values)]));
}

function resultOf(values: number[]): Result {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  return { nanos: at(0.5), from: at(0.25), to: at(0.75) };
}

/** Prints each result, then each ratio with what it may be at most. */
export function print(
  results: Map<string, Result>,
  ratios: readonly { of: string; to: string; atMost?: number }[],
): void {
  const nanosOf = (name: string) => (results.get(name) as Result).nanos;
  for (const [name, { nanos, from, to }] of results) {
    console.log(`${name.padEnd(48)} ${show(nanos)}  (${show(from)} to ${show(to)})`);
  }
  for (const { of, to, atMost } of ratios) {
    const ratio = nanosOf(of) / nanosOf(to);
    const aim =
      atMost === undefined ? '' : `  at most ${atMost}${ratio <= atMost ? '' : '  MISSED'}`;
    console.log(`${`${of} ÷ ${to}`.padEnd(72)} ${ratio.toFixed(3)}${aim}`);
  }
}

function show(nanos: number): string {
  if (nanos < 1e4) return `${nanos.toFixed(1)} ns`.padStart(10);
  return `${(nanos / 1e3).toFixed(1)} µs`.padStart(10);
}
