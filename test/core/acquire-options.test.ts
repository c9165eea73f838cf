import { type AcquireOptions, createPool, OptionError } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { recordingFactory, rejection } from '../helpers/core.js';

const count = 'a whole number of at least 0';
const millis = 'a whole number from 0 to 2147483647, or Infinity';

const bad: [string, unknown, string][] = [
  ['a negative priority', -1, `acquire: priority is -1; accepted: ${count}`],
  ['NaN', Number.NaN, `acquire: priority is NaN; accepted: ${count}`],
  ['a string', '1', 'acquire: options is "1"; accepted: a priority or an object'],
  ['null', null, 'acquire: options is null; accepted: a priority or an object'],
  ['a function', () => {}, 'acquire: options is a function; accepted: a priority or an object'],
  ['priority: 1.5', { priority: 1.5 }, `acquire: priority is 1.5; accepted: ${count}`],
  ["priority: '1'", { priority: '1' }, `acquire: priority is "1"; accepted: ${count}`],
  ['timeoutMillis: -1', { timeoutMillis: -1 }, `acquire: timeoutMillis is -1; accepted: ${millis}`],
  [
    'timeoutMillis: 2 ** 31',
    { timeoutMillis: 2 ** 31 },
    `acquire: timeoutMillis is 2147483648; accepted: ${millis}`,
  ],
  [
    "timeoutMillis: '5'",
    { timeoutMillis: '5' },
    `acquire: timeoutMillis is "5"; accepted: ${millis}`,
  ],
  ['signal: true', { signal: true }, 'acquire: signal is true; accepted: an AbortSignal'],
  [
    'a controller for a signal',
    { signal: new AbortController() },
    'acquire: signal is an object ([object AbortController]); accepted: an AbortSignal',
  ],
];

describe.each(bad)('%s', (_, options, message) => {
  test.each(['acquire', 'lease', 'use'] as const)(
    'is refused by %s, and nothing is lent',
    async (call) => {
      const pool = createPool(recordingFactory(), { min: 1 });
      await pool.ready();
      const given = options as AcquireOptions;
      const refused = call === 'use' ? pool.use(() => {}, given) : pool[call](given);
      const error = await rejection(refused);
      const told = message.replace(/^acquire/, call);
      expect(error).toBeInstanceOf(OptionError);
      expect(error).toMatchObject({ message: told, code: 'ERR_POOL_OPTION' });
      expect(pool).toMatchObject({ available: 1, pending: 0 });
    },
  );
});

test.each([
  [undefined],
  [0],
  [5],
  [{}],
  [{ priority: undefined, signal: undefined, timeoutMillis: undefined }],
  [{ priority: 0, timeoutMillis: 0, signal: new AbortController().signal }],
])('%o is accepted', async (options) => {
  const pool = createPool(recordingFactory(), { priorityRange: 2 });
  const thing = await pool.acquire(options);
  await pool.release(thing);
  expect(await pool.use((lent) => lent, options)).toBe(thing);
  expect((await pool.lease(options)).value).toBe(thing);
});
