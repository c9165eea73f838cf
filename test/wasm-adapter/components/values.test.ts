import { createWasmPool, type WasmPool } from '@wasm-pool/wasm-adapter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixturePath } from '../../helpers/fixture.js';
import { cache, disposable, type Guest, guest, host } from './guests.js';
import { jsComponent } from './js-component.js';

/** The same world as guest.c is of. */
const inJavaScript = `
import host from 'test:guest/host@1.0.0';

export const values = {
  greet: (name) => 'hello ' + name,
  sort: (numbers) => numbers.toSorted((a, b) => a - b),
  mirror: ({ x, y }) => ({ x: y, y: x }),
  area({ tag, val }) {
    if (tag === 'circle') return val * val * 3;
    return tag === 'box' ? val.x * val.y : null;
  },
  toggle: ({ read, write, run }) => ({ read: !read, write: !write, run: !run }),
  nextColor: (color) => ({ red: 'green', green: 'blue', blue: 'red' })[color],
  divide(a, b) {
    if (b === 0) throw 'division by zero';
    return Math.trunc(a / b);
  },
};

let alive = 0;
class Counter {
  constructor(start) { this.at = start; alive++; }
  next() { return this.at++; }
  static copy(other) { return new Counter(other.at); }
}
export const counters = {
  Counter,
  finish: (it) => it.at,
  alive: () => alive,
};

let bumps = 0;
export const faults = {
  bump: () => ++bumps,
  say(message) { host.log(message); },
  ask: (key) => host.lookUp(key),
  distance: (x, y) => host.measure({ x, y }),
  trap() {},
  recurse: (depth) => depth,
  grow: () => false,
};
`;

describe.each([
  ['C', () => guest],
  ['JavaScript', () => jsComponent(fixturePath('components/guest.wit'), 'guest', inJavaScript)],
])('with a component in %s', (_, bytes) => {
  const said: string[] = [];
  let pool: WasmPool<Guest>;
  beforeAll(async () => {
    const imports = host();
    imports['test:guest/host@1.0.0'].log = (message) => said.push(message);
    imports['test:guest/host@1.0.0'].lookUp = (key) => {
      if (key === 'nothing') throw Object.assign(new Error(), { payload: 'no such key' });
      return key.length;
    };
    pool = await createWasmPool<Guest>(bytes(), { max: 2, imports, component: { cache } });
  });
  afterAll(async () => {
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
    expectAtRest(pool);
    await pool.close();
  });

  test('takes and gives strings', async () => {
    expect(await pool.use(({ exports }) => exports.values.greet('Zoë 🦊'))).toBe('hello Zoë 🦊');
  });

  test('takes and gives lists', async () => {
    const numbers = await pool.use(({ exports }) => exports.values.sort(Int32Array.of(3, -1, 2)));
    expect([...numbers]).toEqual([-1, 2, 3]);
  });

  test('takes and gives records', async () => {
    const mirrored = await pool.use(({ exports }) => exports.values.mirror({ x: 1, y: 2 }));
    expect(mirrored).toEqual({ x: 2, y: 1 });
  });

  test('takes variants and gives options', async () => {
    const areas = await pool.use(({ exports: { values } }) => [
      values.area({ tag: 'circle', val: 2 }),
      values.area({ tag: 'box', val: { x: 2, y: 3 } }),
      values.area({ tag: 'named', val: 'sea' }),
      values.area({ tag: 'nothing' }),
    ]);
    expect(areas).toEqual([12, 6, undefined, undefined]);
  });

  test('takes and gives flags and enums', async () => {
    const [rights, color] = await pool.use(({ exports: { values } }) => [
      values.toggle({ read: true }),
      values.nextColor('red'),
    ]);
    expect(rights).toEqual({ read: false, write: true, run: true });
    expect(color).toBe('green');
  });

  test('gives results, the error of which is thrown', async () => {
    expect(await pool.use(({ exports }) => exports.values.divide(7, 2))).toBe(3);
    const error = await failure(pool.use(({ exports }) => exports.values.divide(7, 0)));
    expect(error).toMatchObject({ message: 'division by zero', payload: 'division by zero' });
  });

  test('gives resources', async () => {
    const seen = await pool.use(({ exports: { counters } }) => {
      using counter = disposable(new counters.Counter(5));
      const first = counter.next();
      using copy = disposable(counters.Counter.copy(counter));
      return [first, counter.next(), copy.next()];
    });
    expect(seen).toEqual([5, 6, 6]);
  });

  test('calls imports with what it passes them', async () => {
    const seen = await pool.use(({ exports: { faults } }) => {
      faults.say('good morning');
      return [faults.ask('four'), faults.distance(3, 4)];
    });
    expect(seen).toEqual([4, 5]);
    expect(said).toEqual(['good morning']);
    const error = await failure(pool.use(({ exports }) => exports.faults.ask('nothing')));
    expect(error).toMatchObject({ payload: 'no such key' });
  });
});
