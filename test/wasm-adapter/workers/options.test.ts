import { createWasmWorkerPool, type WasmWorkerPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { guest } from './guest.js';
import { tasks } from './pools.js';

const wholeNumber = 'a whole number of at least 0';
const millis = 'a whole number from 0 to 2147483647';
const trueOrFalse = 'true or false';

const wrong: Record<keyof WasmWorkerPoolOptions, readonly [unknown, string]> = {
  name: [5, 'a string'],
  max: [-1, `${wholeNumber}, or Infinity`],
  min: [0.5, wholeNumber],
  maxWaitingClients: ['2', `${wholeNumber}, or Infinity`],
  acquireTimeoutMillis: [-1, `${millis}, or Infinity`],
  createTimeoutMillis: [Number.NaN, `${millis}, or Infinity`],
  destroyTimeoutMillis: ['5', `${millis}, or Infinity`],
  propagateCreateError: ['yes', trueOrFalse],
  fifo: [1, trueOrFalse],
  priorityRange: [0, 'a whole number from 1 to 1000'],
  burst: [-1, wholeNumber],
  maxUses: [1.5, `${wholeNumber}, or Infinity`],
  maxAgeMillis: [null, `${millis}, or Infinity`],
  maxAgeJitter: [2, 'a number from 0 to 1'],
  countDestroying: ['no', trueOrFalse],
  testWhileIdle: [1, trueOrFalse],
  idleTimeoutMillis: [Number.NaN, `${millis}, or Infinity`],
  softIdleTimeoutMillis: [-2, `-1 or ${millis}, or Infinity`],
  evict: [5, 'a function or an array of functions'],
  evictionRunIntervalMillis: [2 ** 31, millis],
  numTestsPerEvictionRun: [0, 'a whole number of at least 1, or Infinity'],
  leakDetectionMillis: [-5, `${millis}, or Infinity`],
  maxMemoryBytes: ['1 MiB', wholeNumber],
  limits: [1, 'an object'],
  statelessLoader: ['yes', 'true or false'],
  reset: ['always', "'reuse', 'restore' or 'fresh'"],
  promising: [[5], 'true, false, or an array of names of exports'],
  component: ['cache', 'an object'],
  snapshot: [5, 'the bytes of a snapshot, a promise of them, or the path or file: URL of a file'],
  module: ['tasks.ts', 'a URL object or string; for a path, pathToFileURL(path)'],
  wasi: [
    () => true,
    "true, false, 'node', or an object of options; a function: as an export of `module`",
  ],
  callTimeoutMillis: [-1, millis],
  abortGraceMillis: ['short', millis],
  threads: [0, 'a whole number of at least 1'],
  hosts: [{ lookUp: 5 }, 'an object of functions'],
  stdout: ['stdout', 'a function of the bytes, or a stream with a method write'],
  stderr: [{}, 'a function of the bytes, or a stream with a method write'],
  env: ['HOME', 'an object'],
  argv: ['--help', 'an array'],
  execArgv: ['--no-warnings', 'an array'],
  workerData: [() => 5, 'anything that can be cloned'],
  resourceLimits: [64, 'an object'],
  worker: [new URL('file:///worker.js'), 'a function'],
};

describe('createWasmWorkerPool', () => {
  test.for(Object.entries(wrong))('refuses a bad %s', async ([name, [value, accepted]]) => {
    const error = await failure(createWasmWorkerPool(guest, { [name]: value } as object));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_POOL_OPTION' });
    expect(error.message.startsWith(`createWasmWorkerPool: ${name} is `)).toBe(true);
    expect(error.message.endsWith(`; accepted: ${accepted}`)).toBe(true);
  });

  test.for(Object.keys(wrong))('takes %s that is undefined as not given', async (name) => {
    const options = { ...(name === 'max' ? {} : { max: 1 }), [name]: undefined };
    await using pool = await createWasmWorkerPool(guest, options);
    expect(pool.size).toBe(1);
  });

  test.for(['imports', 'onCreate', 'instantiate', 'autostart', 'testOnBorrow', 'maximum'])(
    'does not know %s',
    async (name) => {
      const error = await failure(createWasmWorkerPool(guest, { [name]: true } as object));
      expect(error.message).toMatch(
        new RegExp(
          `^createWasmWorkerPool: unknown option ${name}; accepted: abortGraceMillis, acquireTimeoutMillis, `,
        ),
      );
    },
  );

  test('does not take both a module and a worker', async () => {
    const options = { module: tasks(), worker: () => expect.unreachable() };
    expect(await failure(createWasmWorkerPool(guest, options))).toMatchObject({
      name: 'OptionError',
      message: 'createWasmWorkerPool: both module and worker are given; accepted: one of them',
    });
  });

  test('does not take a min above max', async () => {
    expect(await failure(createWasmWorkerPool(guest, { min: 3, max: 2 }))).toMatchObject({
      name: 'OptionError',
    });
  });

  test.for([null, 5, 'max'])('does not take %j for options', async (options) => {
    expect(await failure(createWasmWorkerPool(guest, options as never))).toMatchObject({
      name: 'OptionError',
    });
  });
});
