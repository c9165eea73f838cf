import { createPool } from '@wasm-pool/core';
import { createPool as createDropIn } from '@wasm-pool/core/generic-pool';
import { healthOf, onShutdown, whileConnected } from '@wasm-pool/core/service';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runChild } from '../helpers/child.js';
import { hang, recordingFactory, rejection, settle } from '../helpers/core.js';
import { webServer } from '../helpers/web-server.js';

const well = { ready: true, healthy: true, problems: [] };

describe('the health of pools', () => {
  test('is good where each has its min, busy or not', async () => {
    await using pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    expect(healthOf([pool])).toEqual(well);
    await pool.use(() => expect(healthOf([pool])).toEqual(well));
  });

  test('is not ready until min is there, nor once a pool is closed', async () => {
    const pool = createPool(recordingFactory({ create: (make) => Promise.resolve(make()) }), {
      name: 'db',
      min: 2,
      max: 2,
    });
    const early = { ready: false, healthy: true, problems: ['db: 0 of 2 resources are there'] };
    expect(healthOf([pool])).toEqual(early);
    await pool.ready();
    expect(healthOf([pool])).toEqual(well);
    await pool.close();
    const late = { ready: false, healthy: true, problems: ['db: it is draining or closed'] };
    expect(healthOf([pool])).toEqual(late);
  });

  test('is bad while creation keeps failing, and good again when one has worked', async () => {
    let works = false;
    const create = (make: () => { id: number }) =>
      works ? make() : Promise.reject(new Error('no'));
    await using pool = createPool(recordingFactory({ create }), { name: 'db' });
    for (let round = 0; round < 2; round++) await rejection(pool.acquire());
    expect(healthOf([pool])).toEqual(well);
    expect(healthOf([pool], { failures: 2 }).healthy).toBe(false);
    await rejection(pool.acquire());
    const problems = ['db: creation failed 3 times in a row'];
    expect(healthOf([pool])).toEqual({ ready: true, healthy: false, problems });
    works = true;
    await pool.use(() => {});
    expect(healthOf([pool])).toEqual(well);
  });

  test('without a list is that of all pools, of the drop-in door too', async () => {
    await using pool = createPool(recordingFactory({ create: hang }), { name: 'slow', min: 1 });
    const create = () => new Promise<object>(() => {});
    const dropIn = createDropIn(
      { create, destroy: async () => {} },
      { name: 'slow drop-in', min: 1 },
    );
    expect(pool.size).toBe(1);
    expect(healthOf().problems).toEqual(
      expect.arrayContaining([
        'slow: 0 of 1 resources are there',
        'slow drop-in: 0 of 1 resources are there',
      ]),
    );
    expect(dropIn.size).toBe(1); // it is not collected before
    void pool.close({ timeoutMillis: 1 });
  });

  test('without a list is not that of a pool that is collected, though nobody was told so yet', () => {
    class Emptied {
      deref() {}
    }
    vi.stubGlobal('WeakRef', Emptied);
    createPool(recordingFactory({ create: hang }), { name: 'collected', min: 1 });
    vi.unstubAllGlobals();
    expect(healthOf().problems.join()).not.toContain('collected');
  });

  test('a bad option is refused', () => {
    expect(() => healthOf([], { failures: 0 })).toThrow('failures is 0; accepted: a whole number');
  });
});

describe('a shutdown', () => {
  const program = (close: string, options = '{}') => `
    import { onShutdown } from '@wasm-pool/core/service';
    setInterval(() => {}, 1000).unref();
    const alive = setTimeout(() => {}, 600_000);
    onShutdown(async (signal) => { console.log(signal); ${close} }, ${options});
    process.kill(process.pid, 'SIGTERM');`;

  test.each([
    ['ends the process by itself, with exit code 0', 'clearTimeout(alive);', '{}', 0, 'SIGTERM'],
    ['ends what still keeps it alive, where asked for', '', '{ exit: true }', 0, 'SIGTERM'],
    [
      'that takes too long ends with exit code 1',
      'await new Promise(() => {});',
      '{ timeoutMillis: 10 }',
      1,
      'SIGTERM',
    ],
    [
      'that fails prints the error and ends with exit code 1',
      "throw new Error('cannot close');",
      '{}',
      1,
      /SIGTERM\nError: cannot close/,
    ],
    [
      'is ended by the second signal',
      "process.kill(process.pid, 'SIGTERM'); await new Promise(() => {});",
      '{}',
      null,
      'SIGTERM',
    ],
  ])('%s', async (_, close, options, exitCode, output) => {
    const ended = await runChild(program(close, options));
    expect(ended.exitCode).toBe(exitCode);
    if (typeof output === 'string') expect(ended.output).toBe(output);
    else expect(ended.output).toMatch(output);
  });

  describe('in this process', () => {
    const exits: unknown[] = [];
    beforeEach(() => {
      exits.length = 0;
      vi.spyOn(process, 'exit').mockImplementation(((code?: number) => {
        exits.push(code);
      }) as never);
      vi.spyOn(console, 'error').mockImplementation(() => {});
    });
    afterEach(() => void vi.restoreAllMocks());
    // A signal that nothing else listens to.
    const signals = ['SIGUSR2'] as const;

    test('calls close once, with the signal', async () => {
      const close = vi.fn();
      onShutdown(close, { signals, timeoutMillis: 0, exit: true });
      process.emit('SIGUSR2', 'SIGUSR2');
      process.emit('SIGUSR2', 'SIGUSR2');
      await settle();
      expect(close.mock.calls).toEqual([['SIGUSR2']]);
      expect(exits).toEqual([undefined]);
    });

    test('leaves the process to end by itself', async () => {
      const close = vi.fn();
      onShutdown(close, { signals });
      process.emit('SIGUSR2', 'SIGUSR2');
      await settle();
      expect(close).toHaveBeenCalledOnce();
      expect(exits).toEqual([]);
    });

    test('ends with exit code 1 where close fails, or takes too long', async () => {
      onShutdown(() => Promise.reject(new Error('no')), { signals });
      process.emit('SIGUSR2', 'SIGUSR2');
      await settle();
      onShutdown(hang, { signals, timeoutMillis: 1 });
      process.emit('SIGUSR2', 'SIGUSR2');
      await expect.poll(() => exits).toEqual([1, 1]);
      expect(console.error).toHaveBeenCalledOnce();
    });
  });

  test('can be taken back', () => {
    const before = process.listenerCount('SIGTERM');
    const takeBack = onShutdown(() => {});
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    takeBack();
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  test('needs a function, and options that there are', () => {
    expect(() => onShutdown(1 as never)).toThrow('close is 1; accepted: a function');
    expect(() => onShutdown(() => {}, { signals: 'SIGTERM' as never })).toThrow(
      'signals is "SIGTERM"; accepted: an array of names of signals',
    );
  });
});

test('a request has a signal that is aborted when its client leaves, and not when it is answered', async () => {
  const signals: AbortSignal[] = [];
  await using server = await webServer(({ url }, response) => {
    signals.push(whileConnected(response));
    if (url === '/answered') response.end('answer');
  });
  await (await fetch(server.at('/answered'))).text();
  const client = new AbortController();
  const left = fetch(server.at('/'), { signal: client.signal }).catch(() => {});
  await expect.poll(() => signals.length).toBe(2);
  client.abort();
  await left;
  await expect.poll(() => signals[1]?.aborted).toBe(true);
  expect(signals[0]?.aborted).toBe(false);
});
