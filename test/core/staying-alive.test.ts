import { expect, test } from 'vitest';
import { runChild } from '../helpers/child.js';

const prelude = `
  import { createPool } from '@wasm-pool/core';
  import genericPool from '@wasm-pool/core/generic-pool';
  const hang = () => new Promise(() => {});
  const fails = () => Promise.reject(new Error('down'));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const make = (parts, options) =>
    createPool({ create: async () => ({}), destroy() {}, ...parts }, options);
`;

/** What hangs while nobody waits for it. With limits of a minute and more, a timer that counts would show. */
const hanging: Record<string, string> = {
  'a create for min': `make({ create: hang }, { min: 1 });`,
  'a create for min, after somebody waited for ready()': `
    let works = true;
    const pool = make({ create: () => (works ? {} : hang()) }, { min: 1 });
    await pool.ready();
    works = false;
    pool.evict();`,
  'a create whose acquire was aborted': `
    const controller = new AbortController();
    const acquired = make({ create: hang }).acquire({ signal: controller.signal });
    controller.abort();
    await acquired.catch(() => {});`,
  'a create whose acquire timed out': `
    await make({ create: hang }).acquire({ timeoutMillis: 1 }).catch(() => {});`,
  'a create that took too long': `
    await make({ create: hang }, { createTimeoutMillis: 1, min: 1 }).ready().catch(() => {});`,
  'the pause after a create for min that failed': `
    await make({ create: fails }, { min: 1 }).ready().catch(() => {});`,
  'the pause after a create that a patient acquire waited for': `
    const options = { propagateCreateError: false, acquireTimeoutMillis: 20 };
    await make({ create: fails }, options).acquire().catch(() => {});`,
  'a destroy': `
    const pool = make({ destroy: hang }, { destroyTimeoutMillis: 0 });
    await pool.destroy(await pool.acquire());
    const limited = make({ destroy: hang }, { destroyTimeoutMillis: 60_000 });
    await limited.destroy(await limited.acquire());`,
  'a validate whose acquire was aborted': `
    const pool = make({ validate: hang }, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    const controller = new AbortController();
    const acquired = pool.acquire({ signal: controller.signal });
    controller.abort();
    await acquired.catch(() => {});`,
  'a validate in the background': `
    const pool = make({ validate: hang }, { testWhileIdle: true, evictionRunIntervalMillis: 1, min: 1 });
    await pool.ready();
    while (pool.available > 0) await turn();`,
  'a recycle': `
    const pool = make({ recycle: hang });
    await pool.use(() => {});`,
  'the evictor': `
    await make({}, { idleTimeoutMillis: 60_000 }).use(() => {});
    await make({}, { evict: () => false }).use(() => {});`,
  'the watch for loans that last long': `
    await make({}, { leakDetectionMillis: 60_000 }).acquire();`,
  'an acquire that is never served': `
    const pool = make();
    await pool.acquire();
    pool.acquire();`,
  'a close that is over, with a timeout': `
    const pool = make({ recycle: hang });
    await pool.use(() => {});
    await pool.close({ timeoutMillis: 1 });
    await make().close({ timeoutMillis: 60_000 });`,
  'generic-pool’s door: a create for min, a destroy, the evictor': `
    const pool = genericPool.createPool(
      { create: async () => ({}), destroy: hang },
      { destroyTimeoutMillis: 60_000, evictionRunIntervalMillis: 1000 },
    );
    await pool.destroy(await pool.acquire());
    genericPool.createPool({ create: hang, destroy: hang }, { min: 1 });`,
};

test('nothing that hangs keeps the process alive while nobody waits for it', async () => {
  const { output, exitCode } = await runChild(`
    ${prelude}
    const timers = () => process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length;
    ${Object.entries(hanging)
      .map(
        ([name, code]) => `
          await (async () => { ${code} })();
          await turn();
          if (timers() > 0) {
            console.log(${JSON.stringify(name)}, timers());
            process.exit(1);
          }`,
      )
      .join('\n')}
    console.log('to the end');
  `);
  expect(output).toBe('to the end');
  expect(exitCode).toBe(0); // and not by a signal, a minute later
});

/** What somebody waits for, and what comes of it. */
const awaited: Record<string, string> = {
  'an acquire and a create that hangs': `
    return make({ create: hang }, { createTimeoutMillis: 5 }).acquire();`,
  'ready() and a create that hangs, though another acquire was served meanwhile': `
    let creations = 0;
    const create = () => (++creations === 1 ? {} : hang());
    const pool = make({ create }, { max: 2, createTimeoutMillis: 5 });
    await Promise.all([pool.acquire(), pool.ready(2)]);`,
  'an acquire and a validate that hangs': `
    const pool = make({ validate: hang }, { testOnBorrow: true, createTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.use(() => {});`,
  'an acquire and a recycle that hangs': `
    const pool = make({ recycle: hang }, { createTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.use(() => {});`,
  'an acquire and a destroy that has its slot': `
    const pool = make({ destroy: hang }, { destroyTimeoutMillis: 5 });
    await pool.destroy(await pool.acquire());
    await pool.use(() => {});`,
  'an acquire and a creation that took too long, which has its slot': `
    let creations = 0;
    const create = () => (++creations === 1 ? hang() : {});
    const pool = make({ create }, { createTimeoutMillis: 2 });
    await pool.acquire().catch(() => {});
    await pool.use(() => {});`,
  'a patient acquire and a pause': `
    let creations = 0;
    const create = () => (++creations === 1 ? fails() : {});
    await make({ create }, { propagateCreateError: false }).use(() => {});`,
  'clear() and a create that hangs': `
    const pool = make({ create: hang }, { min: 1, createTimeoutMillis: 5 });
    await pool.clear();`,
  'clear() and a destroy that hangs': `
    const pool = make({ destroy: hang }, { destroyTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.clear();`,
  'drain() and a recycle that hangs': `
    const pool = make({ recycle: hang }, { createTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.drain();`,
  'close() and a recycle that hangs': `
    const pool = make({ recycle: hang }, { createTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.close();`,
  'close() and a create that hangs': `
    await make({ create: hang }, { min: 1, createTimeoutMillis: 5 }).close();`,
  'close() and a destroy that hangs': `
    const pool = make({ destroy: hang }, { destroyTimeoutMillis: 5 });
    await pool.use(() => {});
    await pool.close();`,
  'close() with a timeout, and a loan that never ends': `
    const pool = make();
    await pool.acquire();
    await pool.close({ timeoutMillis: 5 });`,
  'generic-pool’s door: an acquire and a pause': `
    let creations = 0;
    const create = () => (++creations === 1 ? fails() : Promise.resolve({}));
    const pool = genericPool.createPool({ create, destroy: async () => {} });
    await pool.use(async () => {});
    await pool.drain();
    await pool.clear();`,
};

test('the process stays alive for what somebody waits for', async () => {
  const { output, exitCode } = await runChild(`
    ${prelude}
    ${Object.entries(awaited)
      .map(
        ([name, code]) => `
          process.exitCode = 1;
          await (async () => { ${code} })().catch((error) => {
            if (error.code !== 'ERR_POOL_CREATE') throw error;
          });
          console.log(${JSON.stringify(name)});`,
      )
      .join('\n')}
    process.exitCode = 0;
  `);
  expect(output.split('\n')).toEqual(Object.keys(awaited));
  expect(exitCode).toBe(0);
});
