// Where nothing fails, a program cannot tell our drop-in from generic-pool: both are given the same
// random commands, on a faked clock, and write down the same story.
import { type Options, createPool as ours } from '@wasm-pool/core/generic-pool';
import fc from 'fast-check';
import theirs from 'generic-pool';
import { test, vi } from 'vitest';
import { fakeTime, settle } from '../helpers/core.js';

interface Thing {
  readonly id: number;
  lends: number;
}

type Command =
  | { readonly do: 'acquire' | 'use'; readonly priority: number | undefined }
  | { readonly do: 'release' | 'destroy'; readonly which: number }
  | { readonly do: 'pass'; readonly millis: number };

const priority = fc.option(fc.nat(3), { nil: undefined });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('acquire' as const), priority }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('use' as const), priority }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), which: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), millis: fc.nat(40) }) },
);

const optional = <V>(arbitrary: fc.Arbitrary<V>) => fc.option(arbitrary, { nil: undefined });
const options = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  min: fc.nat(3),
  fifo: fc.boolean(),
  testOnBorrow: fc.boolean(),
  priorityRange: fc.integer({ min: 1, max: 3 }),
  maxWaitingClients: optional(fc.nat(3)),
  acquireTimeoutMillis: optional(fc.integer({ min: 1, max: 60 })),
  evictionRunIntervalMillis: optional(fc.integer({ min: 5, max: 20 })),
  softIdleTimeoutMillis: optional(fc.integer({ min: 1, max: 40 })),
  idleTimeoutMillis: optional(fc.integer({ min: 10, max: 60 })),
  numTestsPerEvictionRun: optional(fc.integer({ min: 1, max: 3 })),
});
const pace = fc.record({ createMillis: fc.nat(15), useMillis: fc.nat(15), staleAfter: fc.nat(4) });

/** What happens with that pool, line by line. */
async function story(
  createPool: typeof ours,
  given: Options,
  {
    createMillis,
    useMillis,
    staleAfter,
  }: { createMillis: number; useMillis: number; staleAfter: number },
  commands: readonly Command[],
): Promise<string[]> {
  const lines: string[] = [];
  const lent: Thing[] = [];
  let made = 0;
  const later = (millis: number) =>
    new Promise<void>((resolve) => {
      if (millis === 0) resolve();
      else setTimeout(resolve, millis);
    });
  const pool = createPool<Thing>(
    {
      async create() {
        const thing = { id: ++made, lends: 0 };
        lines.push(`create ${thing.id}`);
        await later(createMillis);
        return thing;
      },
      async destroy({ id }) {
        lines.push(`destroy ${id}`);
      },
      async validate({ id, lends }) {
        lines.push(`validate ${id}`);
        return lends === 0 || lends % 5 !== staleAfter;
      },
    },
    given,
  );
  const outcome = (what: string) =>
    [
      (thing: Thing) => {
        thing.lends++;
        lines.push(`${what} got ${thing.id}`);
        return thing;
      },
      (error: Error) => {
        lines.push(`${what} failed: ${error.name} ${error.message}`);
      },
    ] as const;
  const advance = async (millis: number) => {
    for (let elapsed = 0; elapsed < millis; elapsed++) {
      await vi.advanceTimersByTimeAsync(1);
      await settle();
    }
  };
  const ends: Promise<unknown>[] = [];
  for (const [index, it] of commands.entries()) {
    if ('which' in it) {
      const [thing] = lent.splice(it.which % Math.max(lent.length, 1), 1);
      if (thing !== undefined) void pool[it.do](thing);
    } else if ('millis' in it) {
      await advance(it.millis);
    } else if (it.do === 'acquire') {
      const [got, failed] = outcome(`acquire ${index}`);
      ends.push(pool.acquire(it.priority).then((thing) => lent.push(got(thing)), failed));
    } else {
      const [got, failed] = outcome(`use ${index}`);
      const work = async (thing: Thing) => {
        got(thing);
        await later(useMillis);
      };
      ends.push(pool.use(work, it.priority).catch(failed));
    }
    await settle();
    const { size, available, borrowed, pending, spareResourceCapacity } = pool;
    lines.push(`${index}: ${[size, available, borrowed, pending, spareResourceCapacity]}`);
  }
  // generic-pool's drain forgets acquires that outwait the last of the queue: so nobody waits.
  while (pool.pending > 0 || lent.length > 0) {
    for (const thing of lent.splice(0)) void pool.release(thing);
    await advance(1);
  }
  const drained = pool.drain().then(() => pool.clear());
  await advance(20);
  await drained;
  await Promise.all(ends);
  return lines;
}

test('random commands have the same effects as with generic-pool, at the same times', {
  timeout: 600_000,
}, async () => {
  fakeTime();
  const commands = fc.array(command, { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(options, pace, commands, async (given, speed, list) => {
      const defined = Object.fromEntries(
        Object.entries(given).filter(([, it]) => it !== undefined),
      );
      const expected = await story(theirs.createPool as typeof ours, defined, speed, list);
      const found = await story(ours, defined, speed, list);
      if (found.join('\n') !== expected.join('\n')) {
        throw new Error(`generic-pool:\n${expected.join('\n')}\n\nours:\n${found.join('\n')}`);
      }
    }),
    { numRuns: 300 },
  );
});
