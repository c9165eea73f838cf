import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, type WasmPool } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { untilAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { cache } from './guests.js';

/** The exports of tasks.wit. */
interface Tasks {
  api: {
    ask(key: string): Promise<string>;
    first(one: string, other: string): Promise<string>;
    wait(key: string): Promise<string>;
    open(): Promise<Parcel>;
    send(): Promise<void>;
    finish(): Promise<void>;
  };
}

interface Stream extends Disposable {
  read(): Promise<{ done?: boolean }>;
}
interface Parcel {
  listed: [Stream];
  maybe: Stream;
  pair: [number, Stream];
  outcome: { tag: 'ok'; val: Stream };
  soon: PromiseLike<number>;
  deep: PromiseLike<Stream>;
}

/** What the host was asked for and has not answered, by keys. */
const asked = new Map<string, PromiseWithResolvers<string>>();
let taken: Parcel;
let pool: WasmPool<Tasks>;
beforeEach(async () => {
  asked.clear();
  const fetch = (key: string) => {
    const answer = Promise.withResolvers<string>();
    asked.set(key, answer);
    return answer.promise;
  };
  const take = (parcel: Parcel) => {
    taken = parcel;
  };
  pool = await createWasmPool<Tasks>(fixture('components/tasks.wasm'), {
    max: 3,
    imports: { 'test:tasks/host': { fetch, take } },
    component: { cache },
  });
});
afterEach(async () => {
  await untilAtRest(pool); // a task may go on for a little after it has answered
  await pool.close();
});

const answer = (key: string) => asked.get(key)?.resolve(`got ${key}`);
const reject = (key: string, error: unknown) => asked.get(key)?.reject(error);
const untilAsked = async (...keys: string[]) => {
  while (keys.some((key) => !asked.has(key))) await turn();
};

describe('an async function of WIT that a component imports', () => {
  const ask = (key: string) => pool.use(({ exports }) => exports.api.ask(key));

  test('is waited for by many instances at once', async () => {
    const keys = ['one', 'two', 'three'];
    const asking = keys.map(ask);
    await untilAsked(...keys);
    for (const key of keys.toReversed()) answer(key);
    expect(await Promise.all(asking)).toEqual(['got one', 'got two', 'got three']);
    expect(pool.stats()).toMatchObject({ created: 3, destroyedBy: {} });
  });

  test('is called twice at once by one instance', async () => {
    const first = pool.use(async ({ exports }) => {
      const answered = await exports.api.first('one', 'other');
      answer('one');
      await turn();
      return answered;
    });
    await untilAsked('one', 'other');
    answer('other');
    expect(await first).toBe('got other');
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test('is waited for by a component that has answered already, which is not lent again', async () => {
    const first = pool.use(({ exports }) => exports.api.first('one', 'other'));
    await untilAsked('one', 'other');
    answer('one');
    expect(await first).toBe('got one');
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    answer('other');
  });

  test('is waited for by a task that then traps: nobody else gets the instance', async () => {
    await pool.use(async ({ exports }) => {
      const first = exports.api.first('one', 'other');
      await untilAsked('one', 'other');
      answer('one');
      expect(await first).toBe('got one');
      reject('other', Object.assign(new Error(), { payload: 'no such key' }));
      await turn();
    });
    const next = ask('three');
    await untilAsked('three');
    answer('three');
    expect(await next).toBe('got three');
    expect(pool.stats()).toMatchObject({ created: 2, destroyedBy: { trap: 1 } });
  });

  test('is rejected with the error of its result, and the instance stays', async () => {
    const asking = failure(ask('missing'));
    await untilAsked('missing');
    reject('missing', Object.assign(new Error(), { payload: 'no such key' }));
    expect(await asking).toMatchObject({ payload: 'no such key' });
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test.each<[string, (exports: Tasks) => Promise<string>]>([
    ['the function waits', ({ api }) => api.ask('broken')],
    ['the task waits, and is called back', ({ api }) => api.first('broken', 'other')],
    ['the task waits on its stack', ({ api }) => api.wait('broken')],
  ])('is rejected otherwise, and the borrower is, where %s; the instance goes', async (_, call) => {
    const asking = failure(pool.use(({ exports }) => call(exports)));
    await untilAsked('broken');
    const error = new RangeError('the disk is broken');
    reject('broken', error);
    expect(await asking).toBe(error);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('is waited for where the imports are made for each instance, and a loan has a context', async () => {
    const contexts: unknown[] = [];
    await using own = await createWasmPool<Tasks, string>(fixture('components/tasks.wasm'), {
      max: 1,
      imports: (instance) => ({
        'test:tasks/host': {
          async fetch(key: string) {
            await turn();
            contexts.push(instance.context);
            return `got ${key}`;
          },
          take() {},
        },
      }),
      component: { cache },
    });
    const fetched = await own.use(({ exports }) => exports.api.wait('it'), { context: 'mine' });
    expect(fetched).toBe('got it');
    expect(contexts).toEqual(['mine']);
  });

  test('is waited for when its instance is returned, which is not lent again', async () => {
    await pool.use(({ exports }) => void exports.api.ask('late'));
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    await untilAsked('late');
    answer('late');
  });
});

describe.each<[string, (exports: Tasks) => Promise<Parcel>]>([
  ['a result', ({ api }) => api.open()],
  ['an argument of an import', ({ api }) => api.send().then(() => taken)],
])('streams and futures within %s', (_, have) => {
  const streams: Record<string, (parcel: Parcel) => Stream> = {
    'a list': ({ listed }) => listed[0],
    'an option': ({ maybe }) => maybe,
    'a tuple': ({ pair }) => pair[1],
    'a result': ({ outcome }) => outcome.val,
  };
  const read = async (stream: Stream) => expect(await stream.read()).toMatchObject({ done: true });

  /** Has the component end all, and reads that, but for what a test leaves open. */
  async function readAll(exports: Tasks, leave?: string): Promise<Parcel> {
    const parcel = await have(exports);
    for (const [within, stream] of Object.entries(streams)) {
      if (within !== leave) stream(parcel)[Symbol.dispose]();
    }
    const finished = exports.api.finish();
    expect(await parcel.soon).toBe(7);
    const deep = await parcel.deep;
    if (leave !== 'a future') await read(deep);
    await finished;
    return parcel;
  }

  test('that are read to their ends, or disposed, cost nothing', async () => {
    await pool.use(({ exports }) => readAll(exports));
    await pool.use(async ({ exports }) => {
      const parcel = await have(exports);
      const finished = exports.api.finish();
      for (const stream of Object.values(streams)) await read(stream(parcel));
      expect(await parcel.soon).toBe(7);
      await read(await parcel.deep);
      await finished;
    });
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test.each([...Object.keys(streams), 'a future'])(
    'have the instance replaced where a stream in %s is open when it is returned',
    async (within) => {
      await pool.use(({ exports }) => readAll(exports, within));
      expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
    },
  );

  test('have it replaced where a future was not read', async () => {
    const parcel = await pool.use(async ({ exports }) => {
      const had = await have(exports);
      for (const stream of Object.values(streams)) stream(had)[Symbol.dispose]();
      return had;
    });
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
    const late = Promise.resolve(parcel.soon);
    expect(await failure(late)).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
  });

  test('have ended when it was replaced', async () => {
    const parcel = await pool.use(({ exports }) => have(exports));
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
    for (const stream of Object.values(streams)) await read(stream(parcel));
  });
});
