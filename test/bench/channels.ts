// What the channels of core cost: nobody listens, somebody does, and a copy of core that has none.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Pool } from '@wasm-pool/core';
import * as core from '@wasm-pool/core';
import { factory, type Resource } from './core/lenders.ts';
import { heading } from './report.ts';
import { inRounds, print, type Subject } from './rounds.ts';

/** The same code, loaded once more, where there is no node:diagnostics_channel. */
async function withoutChannels(copy: string): Promise<typeof core> {
  const { getBuiltinModule } = process;
  process.getBuiltinModule = ((name: string) =>
    name === 'node:diagnostics_channel' ? undefined : getBuiltinModule(name)) as never;
  const built = new URL(`pool.js?${copy}`, import.meta.resolve('@wasm-pool/core')).href;
  try {
    return (await import(built)) as typeof core;
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
}

const LOANS = 1000;
let sink = 0;
const ignore = () => {};

/** Three ways to borrow, each with a loop of its own. */
function ways(name: string, pool: Pool<Resource>, listens = false): Subject[] {
  const listened = (run: () => unknown) => async () => {
    if (listens) subscribe('wasm-pool:release', ignore);
    await run();
    if (listens) unsubscribe('wasm-pool:release', ignore);
  };
  return [
    {
      name: `useSync, ${name}`,
      operations: LOANS,
      run: listened(() => {
        for (let loan = 0; loan < LOANS; loan++) {
          pool.useSync(({ value }) => {
            sink += value;
          });
        }
      }),
    },
    {
      name: `acquire+release, ${name}`,
      operations: LOANS,
      run: listened(async () => {
        for (let loan = 0; loan < LOANS; loan++) {
          const resource = await pool.acquire();
          sink += resource.value;
          await pool.release(resource);
        }
      }),
    },
    {
      name: `16 borrowers on 4, ${name}`,
      operations: LOANS,
      run: listened(async () => {
        let left = LOANS;
        const borrow = async () => {
          while (left-- > 0) {
            const resource = await pool.acquire();
            await null;
            sink += resource.value;
            void pool.release(resource);
          }
        };
        await Promise.all(Array.from({ length: 16 }, borrow));
      }),
    },
  ];
}

const open = async (from: typeof core) => {
  const pool = from.createPool(factory, { max: 4, min: 4 });
  await pool.ready();
  return pool;
};
const silent = await open(await withoutChannels('one'));
const again = await open(await withoutChannels('two'));
const [unheard, heard] = [await open(core), await open(core)];
// First without any listener: V8 has made no provision for one by then.
const quiet = await inRounds([
  ...ways('no channels', silent),
  ...ways('nobody listens', unheard),
  ...ways('no channels again', again),
]);
const loud = await inRounds(ways('somebody listens', heard, true));
const results = new Map([...quiet, ...loud]);

heading('Channels');
print(
  results,
  ['useSync', 'acquire+release', '16 borrowers on 4'].flatMap((way) => [
    // Two copies of the same code differ by this much, from one process to the next.
    { of: `${way}, no channels again`, to: `${way}, no channels` },
    { of: `${way}, nobody listens`, to: `${way}, no channels`, atMost: 1.1 },
    { of: `${way}, somebody listens`, to: `${way}, no channels` },
  ]),
);
if (sink === 0) throw new Error('nothing was lent');
await Promise.all([silent, again, unheard, heard].map((pool) => pool.close()));
