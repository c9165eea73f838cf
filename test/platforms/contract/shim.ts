/**
 * What the contract suite uses of vitest, for platforms that vitest does not run on: the suite is bundled
 * with this in its place, and `runTests` runs what it declared.
 */
type Body = () => unknown;

interface Case {
  readonly title: string;
  readonly body: Body;
}

let cases: Case[] = [];
const titles: string[] = [];
let afterwards: Body[] = [];

export function describe(title: string, declare: () => void): void {
  titles.push(title);
  declare();
  titles.pop();
}

export function test(title: string, body: Body): void {
  cases.push({ title: [...titles, title].join(': '), body });
}

export function onTestFinished(body: Body): void {
  afterwards.push(body);
}

/** One case that failed. */
export interface Failure {
  readonly title: string;
  readonly error: string;
}

/** A case may take so long, on any machine: only one that hangs does. */
const TIMEOUT_MILLIS = 20_000;

/** Runs all cases that were declared since the last run, one after another. Gives how many there were, and those that failed. */
export async function runTests(): Promise<{ readonly count: number; readonly failed: Failure[] }> {
  const failed: Failure[] = [];
  const declared = cases;
  cases = [];
  for (const { title, body } of declared) {
    afterwards = [];
    try {
      await withinTime(body);
    } catch (error) {
      failed.push({ title, error: describeError(error) });
    }
    for (const after of afterwards.reverse()) {
      await withinTime(after).catch((error) => failed.push({ title, error: describeError(error) }));
    }
  }
  return { count: declared.length, failed };
}

function withinTime(body: Body): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it hangs')), TIMEOUT_MILLIS);
    Promise.resolve()
      .then(body)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = error.stack?.split('\n').filter((it) => /^\s+at /.test(it)) ?? [];
  return [String(error).slice(0, 500), ...frames.slice(0, 3)].join('\n');
}

function show(value: unknown): string {
  if (value instanceof Error) return String(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function check(holds: boolean, value: unknown, how: string, expected?: unknown): void {
  if (!holds) throw new Error(`expected ${show(value)} ${how} ${show(expected)}`);
}

/** The matchers that the suite uses. */
export function expect(value: unknown) {
  return {
    toBe: (other: unknown) => check(Object.is(value, other), value, 'to be', other),
    toEqual: (other: unknown) => check(equals(value, other, false), value, 'to equal', other),
    toMatchObject: (part: unknown) => check(equals(value, part, true), value, 'to match', part),
    toBeDefined: () => check(value !== undefined, value, 'to be defined'),
    toBeUndefined: () => check(value === undefined, value, 'to be undefined'),
    toBeGreaterThanOrEqual: (other: number) =>
      check((value as number) >= other, value, 'to be at least', other),
    toBeInstanceOf: (Class: abstract new (...args: never) => unknown) =>
      check(value instanceof Class, value, 'to be of', Class.name),
    toContain: (part: string) => check(String(value).includes(part), value, 'to contain', part),
    toThrow(pattern: RegExp) {
      try {
        (value as Body)();
      } catch (error) {
        check(pattern.test(String(error)), error, 'to match', pattern);
        return;
      }
      throw new Error(`expected a throw that matches ${pattern}`);
    },
  };
}

/** Tries until it holds; `withinTime` ends what never does. */
expect.poll = (take: () => unknown) => ({
  async toEqual(expected: unknown): Promise<void> {
    while (!equals(take(), expected, false)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
});

function equals(value: unknown, other: unknown, partly: boolean): boolean {
  if (Object.is(value, other)) return true;
  if (typeof value !== 'object' || typeof other !== 'object') return false;
  if (value === null || other === null) return false;
  if (Array.isArray(value) !== Array.isArray(other)) return false;
  const names = new Set(Object.keys(other));
  if (!partly || Array.isArray(value)) for (const name of Object.keys(value)) names.add(name);
  return [...names].every((name) =>
    equals(Reflect.get(value, name), Reflect.get(other, name), partly),
  );
}
