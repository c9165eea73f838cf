import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createWasmPool, type WasmPool } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest, untilAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture, fixturePath } from '../../helpers/fixture.js';
import { cache, disposable, guestPool, host } from './guests.js';
import { jsComponent } from './js-component.js';

describe('with imports that return promises, a component', () => {
  let pool: Awaited<ReturnType<typeof guestPool>>;
  let waiting = 0;
  let mostWaiting = 0;
  beforeEach(async () => {
    waiting = 0;
    mostWaiting = 0;
    const imports = host();
    const lookUp = async (key: string) => {
      mostWaiting = Math.max(mostWaiting, ++waiting);
      await wait(5);
      waiting--;
      if (key === 'missing') throw Object.assign(new Error(), { payload: 'no such key' });
      if (key === 'broken') throw new RangeError('the disk is broken');
      return key.length;
    };
    imports['test:guest/host@1.0.0'].lookUp = lookUp as never;
    pool = await guestPool({
      max: 4,
      imports,
      promising: ['test:guest/faults@1.0.0#ask'],
      component: { cache, asyncImports: ['test:guest/host@1.0.0#look-up'] },
    });
  });
  afterEach(async () => {
    expectAtRest(pool);
    await pool.close();
  });

  const ask = (key: string) => pool.use(async ({ exports }) => exports.faults.ask(key));

  test('is suspended, and others go on', async () => {
    expect(await Promise.all(['a', 'bb', 'ccc', 'dddd', 'eeeee'].map(ask))).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(mostWaiting).toBe(4);
    expect(pool.stats()).toMatchObject({ created: 4, destroyedBy: {} });
  });

  test('passes on the error of a result, and stays', async () => {
    expect(await failure(ask('missing'))).toMatchObject({ payload: 'no such key' });
    expect(pool.stats().destroyedBy).toEqual({});
  });

  test('goes when one is rejected otherwise', async () => {
    expect(await failure(ask('broken'))).toBeInstanceOf(RangeError);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('that is returned while it is suspended is not lent again', async () => {
    await pool.use(({ exports }) => void exports.faults.ask('a'));
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    await wait(10);
  });

  test('can have all its exports promising', async () => {
    const bytes = fixture('components/jco-tests/adder.wasm');
    type Adder = { add: { add(a: number, b: number): Promise<number> } };
    const options = { promising: true, component: { cache } } as const;
    await using adder = await createWasmPool<Adder>(bytes, options);
    const sum = await adder.use(({ exports }) => {
      const adding = exports.add.add(2, 3);
      expect(adding).toBeInstanceOf(Promise);
      return adding;
    });
    expect(sum).toBe(5);
    expect(adder.stats().destroyedBy).toEqual({});
  });

  test('cannot have all its exports promising where a resource has a constructor', async () => {
    const error = await failure(guestPool({ promising: true }));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    expect(error.message).toMatch(/promising has to name the exports/);
  });
});

/** The exports of talk.wit. */
interface Talk {
  api: {
    Counter: new (start: number) => Counter;
    ask(key: string): Promise<string>;
    counterAt(start: number): Promise<Counter>;
    countTo(end: number): Promise<AsyncIterable<Iterable<number>>>;
    total(numbers: AsyncIterable<number>): Promise<number>;
    soon(value: number): Promise<PromiseLike<number>>;
    greet(name: string): string;
  };
}
interface Counter {
  next(): number;
  later(): Promise<number>;
}

const inJavaScript = `
import host from 'test:talk/host@1.0.0';

class Counter {
  constructor(start) { this.at = start; }
  next() { return this.at++; }
  async later() { host.fetch('later'); return this.at++; }
}
export const api = {
  Counter,
  async ask(key) {
    const value = host.fetch(key);
    if (value === 'got nothing') throw 'nothing there';
    return value;
  },
  counterAt: async (start) => new Counter(start),
  countTo: async (end) => (async function* () {
    for (let at = 1; at <= end; at++) yield at;
  })(),
  async total(numbers) {
    let total = 0;
    for await (const number of numbers) total += number;
    return total;
  },
  async soon(value) {
    const { readable, writable } = wit.Future(wit.Future.U32);
    writable.write(value);
    return readable;
  },
  greet: (name) => 'hello ' + name,
};
`;

async function* upTo(end: number): AsyncGenerator<number> {
  for (let at = 1; at <= end; at++) yield at;
}

describe('a component with async functions of WIT', () => {
  let bytes: Uint8Array<ArrayBuffer>;
  let pool: WasmPool<Talk>;
  beforeAll(() => {
    bytes = jsComponent(fixturePath('components/talk.wit'), 'talk', inJavaScript);
  });
  beforeEach(async () => {
    const fetch = async (key: string) => {
      await wait(5);
      if (key === 'broken') throw new RangeError('the wire is broken');
      return `got ${key}`;
    };
    pool = await createWasmPool<Talk>(bytes, {
      max: 3,
      imports: { 'test:talk/host': { fetch } },
      component: { cache, asyncImports: ['test:talk/host@1.0.0#fetch'] },
    });
  });
  afterEach(async () => {
    await untilAtRest(pool); // a task may go on for a little after it has answered
    await pool.close();
  });

  test('answers in promises, on many instances at once', async () => {
    await pool.ready(3); // else one may be through before the third is made
    const asked = ['one', 'two', 'three', 'four'].map((key) =>
      pool.use(({ exports }) => exports.api.ask(key)),
    );
    expect(await Promise.all(asked)).toEqual(['got one', 'got two', 'got three', 'got four']);
    expect(await pool.use(({ exports }) => exports.api.greet('you'))).toBe('hello you');
    expect(pool.stats()).toMatchObject({ created: 3, destroyedBy: {} });
  });

  test('answers with the error of a result, and stays', async () => {
    const error = await failure(pool.use(({ exports }) => exports.api.ask('nothing')));
    expect(error).toMatchObject({ payload: 'nothing there' });
    expect(pool.stats().destroyedBy).toEqual({});
  });

  test('goes when an import is rejected', async () => {
    const error = await failure(pool.use(({ exports }) => exports.api.ask('broken')));
    expect(error.message).toBe('the wire is broken');
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('that is returned before it answered is not lent again', async () => {
    await pool.use(({ exports }) => void exports.api.ask('one'));
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    await wait(10);
  });

  test('takes and gives streams and futures', async () => {
    await pool.use(async ({ exports: { api } }) => {
      const seen: number[] = [];
      for await (const chunk of await api.countTo(5)) seen.push(...chunk);
      expect(seen).toEqual([1, 2, 3, 4, 5]);
      expect(await api.total(upTo(4))).toBe(10);
      expect(await await api.soon(7)).toBe(7);
    });
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test('with a stream that was dropped stays; with one that nobody read it goes', async () => {
    await pool.use(async ({ exports }) => {
      for await (const _ of await exports.api.countTo(5)) break;
    });
    expect(pool.stats().destroyedBy).toEqual({});
    await pool.use(async ({ exports }) => {
      await exports.api.countTo(5);
    });
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
  });

  test('has resources with async methods, which count as held', async () => {
    const seen = await pool.use(async ({ exports: { api } }) => {
      using one = disposable(new api.Counter(1));
      using two = disposable(await api.counterAt(5));
      return [one.next(), await one.later(), two.next(), await two.later()];
    });
    expect(seen).toEqual([1, 2, 5, 6]);
    expect(pool.stats().destroyedBy).toEqual({});
    await pool.use(async ({ exports }) => {
      await exports.api.counterAt(5);
    });
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
  });
});

describe('of components that others wrote, in Rust,', () => {
  const options = { component: { cache } };

  test('one adds', async () => {
    const bytes = fixture('components/jco-tests/adder.wasm');
    type Adder = { add: { add(a: number, b: number): number } };
    await using pool = await createWasmPool<Adder>(bytes, { reset: 'restore', ...options });
    expect(await pool.use(({ exports }) => exports.add.add(2, 3))).toBe(5);
    expect(pool.restoreBlockers).toEqual([]);
    expect(pool.stats().destroyedBy).toEqual({});
  });

  test('one waits for the clock of preview 3, and the thread goes on', async () => {
    const bytes = fixture('components/jco-tests/p3-clocks-sleep.wasm');
    type Command = { run: { run(): Promise<void> } };
    await using pool = await createWasmPool<Command>(bytes, { max: 4, ...options });
    let turned = false;
    setTimeout(() => {
      turned = true;
    });
    await Promise.all([1, 2, 3, 4].map(() => pool.use(({ exports }) => exports.run.run())));
    expect(turned).toBe(true);
    expect(pool.stats()).toMatchObject({ created: 4, destroyedBy: {} });
  });

  test('one writes to the standard output of preview 3', async () => {
    const child = join(import.meta.dirname, 'child.mjs');
    const path = fixturePath('components/jco-tests/p3-cli-hello-stdout.wasm');
    const { stdout } = await promisify(execFile)(process.execPath, [child, path, cache]);
    expect(stdout).toMatch(/^hello, world\n/);
  });
});
