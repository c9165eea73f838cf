import { parse } from '@bytecodealliance/jco';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkNames } from '../../../packages/wasm-adapter/src/component/check-names.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { cache, guest, host } from './guests.js';

const poolOf = (bytes: Uint8Array, options: WasmPoolOptions = {}) =>
  createWasmPool(bytes, { wasi: false, component: { cache: false }, ...options });

const call = (exports: object, name: string, ...args: unknown[]) => {
  const fn: unknown = Reflect.get(exports, name);
  if (typeof fn !== 'function') throw new Error(`there is no function ${name}`);
  return fn(...args);
};

/** A component in which one core module's export of that name is another's import. */
const withCoreName = (name: string) => {
  const shown = Array.from(new TextEncoder().encode(name), (byte) => {
    return `\\${byte.toString(16).padStart(2, '0')}`;
  }).join('');
  return parse(`(component
    (core module $a (func (export "${shown}")))
    (core module $b (import "env" "${shown}" (func)) (func (export "run")))
    (core instance $ia (instantiate $a))
    (core instance $ib (instantiate $b (with "env" (instance
      (export "${shown}" (func $ia "${shown}"))))))
    (func (export "run") (canon lift (core func $ib "run"))))`);
};

describe('a name of a component', () => {
  test.each([
    ['with a quote', `x'] ?? (globalThis.planted = true) ?? ['`],
    ['with a double quote', '"'],
    ['with a backslash', '\\'],
    ['with a backtick', '`'],
    ['with a placeholder', ['$', '{globalThis.planted = true}'].join('')],
    ['that ends a comment', '*/ globalThis.planted = true'],
    ['with a line feed', 'a\nb'],
    ['with a line separator', 'a\u2028b'],
    ['with NUL', 'a\0b'],
    ['that is the prototype', '__proto__'],
    ['with what is no letter of any script', '\ufeff'],
  ])('%s is refused before jco sees it', async (_, name) => {
    const error = await failure(poolOf(await withCoreName(name)));
    expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_COMPONENT' });
    expect(error.message).toMatch(/^src is a component with the core name ".*accepted: letters/s);
    expect(Reflect.get(globalThis, 'planted')).toBeUndefined();
  });

  test.each([
    '[async-lift]a:b/c@0.2.0#run',
    'cm32p2|a:b/c@0.2|run_post',
    '_ZN4core3fmt17h$u7b$$u7b$closure$u7d$$u7d$E',
    'größe',
    'then',
    'constructor',
    '',
    '$1 & <x>',
  ])('that compilers make is taken: %s', async (name) => {
    const pool = await poolOf(await withCoreName(name));
    await pool.use(({ exports }) => call(exports, 'run'));
    await pool.close();
  });

  test.each([
    ['an import by URL', '(import "url=<https://x>" (func))'],
    ['an import by hash', '(import "integrity=<sha256-AA==>" (func))'],
    ['an import in a component within', '(component (import "unlocked-dep=<a:b>" (component)))'],
    ['a core import of a module type', `(core type (module (import "a" "it's" (func))))`],
  ])('in %s is refused', async (_, text) => {
    const bytes = await parse(`(component ${text})`).catch(() => undefined);
    if (bytes === undefined) return; // jco's own parser does not know the form
    expect(await failure(poolOf(bytes))).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
  });

  test('in a custom section reaches no code: jco does not see those, the engine does', async () => {
    const bytes = await parse(`(component
      (core module $m (func $named (export "run") unreachable))
      (core instance $i (instantiate $m))
      (func (export "run") (canon lift (core func $i "run"))))`);
    const evil = `'; globalThis.planted = true; '`;
    const renamed = Uint8Array.from(
      Buffer.from(
        Buffer.from(bytes).toString('latin1').replaceAll('named', evil.slice(0, 5)),
        'latin1',
      ),
    );
    const pool = await poolOf(renamed);
    const error = await failure(pool.use(({ exports }) => call(exports, 'run')));
    expect(error.stack).toContain(evil.slice(0, 5)); // as V8 has it in stacks
    await pool.close();
  });

  test('is found in real components, all of them', () => {
    for (const name of ['guest', 'tasks', 'libc', 'network2', 'network3']) {
      const names = checkNames(fixture(`components/${name}.wasm`), name);
      expect(names.unreadable).toBeUndefined();
      expect(names.externs.size).toBeGreaterThan(2);
    }
  });

  test('is read in time that grows with the size, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const mutated = new Uint8Array(guest);
        mutated.set(bytes.subarray(0, guest.length - 8), 8);
        try {
          checkNames(mutated, 'it');
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
        }
      }),
    );
  });
});

describe('jco', () => {
  const adder = fixture('components/jco-tests/adder.wasm');
  const works = async () => {
    const pool = await poolOf(adder);
    const sum = await pool.use(({ exports }) => call(Reflect.get(exports, 'add'), 'add', 2, 3));
    await pool.close();
    expect(sum).toBe(5);
  };

  test('has what it takes to fail on one component, and works for the next', async () => {
    const broken = guest.slice();
    broken.fill(0xff, 200, 260);
    expect(await failure(poolOf(broken))).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    await works();
  });

  test('is ended where it takes longer than it may', async () => {
    const component = { cache: false, transpileTimeoutMillis: 1 } as const;
    const error = await failure(poolOf(guest, { imports: host(), component }));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    expect(error.message).toMatch(/jco could not transpile src, .*: it took longer than 1 ms/);
    await works();
  });

  test('is ended where it takes more memory than it may', async () => {
    // Tuples of tuples: each level doubles what jco writes.
    const levels = Array.from({ length: 18 }, (_, level) => {
      return `(type $t${level + 1} (tuple $t${level} $t${level}))`;
    });
    const bytes = await parse(`(component
      (type $t0 (tuple u8 u8))
      ${levels.join('\n')}
      (import "f" (func $f (param "x" $t18)))
      (core module $m (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (core func (canon lower (func $f) (memory (core memory $i "memory"))
        (realloc (core func $i "realloc")))))`);
    const component = { cache: false, transpileMemoryBytes: 2 ** 25 } as const;
    const error = await failure(poolOf(bytes, { component }));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    await works();
  });

  test.each([
    ['transpileTimeoutMillis', 0],
    ['transpileTimeoutMillis', 2 ** 31],
    ['transpileMemoryBytes', 1000],
    ['transpileMemoryBytes', 2 ** 25 + 0.5],
  ])('takes no %s of %d', async (name, value) => {
    const error = await failure(poolOf(adder, { component: { [name]: value } }));
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toMatch(new RegExp(`component: ${name} is ${value}; accepted: `));
  });
});

describe('objects with names of a guest are what they are', () => {
  test('an export `then` makes no promise of the exports', async () => {
    const bytes = await parse(`(component
      (core module $m (func (export "go") (result i32) (i32.const 7)))
      (core instance $i (instantiate $m))
      (func (export "then") (result u32) (canon lift (core func $i "go"))))`);
    const pool = await poolOf(bytes, { component: { cache } });
    expect(await pool.use(({ exports }) => call(exports, 'then'))).toBe(7);
    expect(pool.stats().destroyedBy).toEqual({});
    await pool.close();
  });

  test('records with fields `then` and `resolve-as-value` are answers, not promises', async () => {
    const bytes = await parse(`(component
      (type $r (record (field "then" u32) (field "resolve-as-value" u32)))
      (import "step" (type $step (eq $r)))
      (core module $m (memory (export "memory") 1)
        (data (i32.const 8) "\\01\\00\\00\\00\\02\\00\\00\\00")
        (func (export "plan") (result i32) (i32.const 8)))
      (core instance $i (instantiate $m))
      (func $plan (result $step)
        (canon lift (core func $i "plan") (memory (core memory $i "memory"))))
      (export "plan" (func $plan)))`);
    const pool = await poolOf(bytes, { component: { cache } });
    for (let loan = 0; loan < 2; loan++) {
      const step = await pool.use(({ exports }) => call(exports, 'plan'));
      expect(Object.entries(step)).toEqual([
        ['then', 1],
        ['resolveAsValue', 2],
      ]);
    }
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
    await pool.close();
  });
});
