import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createWasmPool,
  createWasmWorkerPool,
  type TranspiledComponent,
  type WasmSource,
} from '@wasm-pool/wasm-adapter';
import { createHttpComponent } from '@wasm-pool/wasm-adapter/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixturePath } from '../../helpers/fixture.js';
import { ask, guestPath } from '../../http/guests.js';
import { type Guest, host } from './guests.js';
import { jco } from './js-component.js';

/** As the README has it: jco at build time only. */
let folder: string;
let instantiate: TranspiledComponent['instantiate'];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wasm-pool-transpiled-'));
  const path = fixturePath('components/guest.wasm');
  jco('transpile', path, '--instantiation', 'async', '-o', folder);
  ({ instantiate } = await import(pathToFileURL(join(folder, 'guest.js')).href));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a component that is transpiled already', () => {
  test('needs the folder of its core modules', async () => {
    const modules = pathToFileURL(`${folder}/`);
    await using pool = await createWasmPool<Guest>({ instantiate, modules }, { imports: host() });
    expect(pool.module).toBeInstanceOf(WebAssembly.Module);
    expect(await pool.use(({ exports }) => exports.values.greet('you'))).toBe('hello you');
  });

  test.each<[string, (path: string) => Uint8Array<ArrayBuffer> | WebAssembly.Module | string]>([
    ['their bytes', (path) => new Uint8Array(readFileSync(path))],
    ['them compiled', (path) => new WebAssembly.Module(readFileSync(path))],
    ['their paths', (path) => path],
  ])('or a function that gives %s, once', async (_, give) => {
    const asked: string[] = [];
    const modules = (file: string) => {
      asked.push(file);
      return give(join(folder, file));
    };
    await using pool = await createWasmPool<Guest>(
      { instantiate, modules },
      { min: 3, max: 3, imports: host() },
    );
    expect(pool.size).toBe(3);
    expect(new Set(asked).size).toBe(asked.length);
    await pool.use((instance) => {
      expect(instance.memoryBytes).toBeGreaterThan(0);
      expect(instance.exports.values.greet('you')).toBe('hello you');
    });
  });

  test('that has async functions is lent once: what its tasks do after their answer is not seen', async () => {
    const tasks = mkdtempSync(join(tmpdir(), 'wasm-pool-transpiled-'));
    const path = fixturePath('components/tasks.wasm');
    jco('transpile', path, '--instantiation', 'async', '-o', tasks);
    const code = await import(pathToFileURL(join(tasks, 'tasks.js')).href);
    const src = { instantiate: code.instantiate, modules: pathToFileURL(`${tasks}/`) };
    const imports = { 'test:tasks/host': { fetch: async (key: string) => key, take() {} } };
    interface Asks {
      api: { ask(key: string): Promise<string> };
    }
    const uses = async (options: { maxUses?: number }) => {
      await using pool = await createWasmPool<Asks>(src, { imports, max: 1, ...options });
      for (const key of ['one', 'two']) {
        expect(await pool.use(({ exports }) => exports.api.ask(key))).toBe(key);
      }
      return pool.stats().destroyedBy;
    };
    expect(await uses({})).toEqual({ uses: 2 });
    expect(await uses({ maxUses: 0 })).toEqual({});
    rmSync(tasks, { recursive: true });
  });

  test('has what is lent guarded, and counted, too', async () => {
    const modules = pathToFileURL(`${folder}/`);
    await using pool = await createWasmPool<Guest>(
      { instantiate, modules },
      { max: 1, reset: 'restore', imports: host() },
    );
    await expect(pool.use(({ exports }) => exports.faults.trap())).rejects.toThrow('unreachable');
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expect(pool.restoreBlockers).toContain(
      'a component transpiled ahead: what its code keeps is not known',
    );
  });

  test('says which core module could not be had', async () => {
    const modules = pathToFileURL(`${folder}/nowhere/`);
    const creation = createWasmPool({ instantiate, modules }, { imports: host() });
    const error = await failure(creation);
    expect(error).toMatchObject({ code: 'ERR_WASM_SOURCE' });
    expect(error.message).toMatch(/nowhere\/guest\.core2?\.wasm: it could not be read/);
  });

  test('goes to threads where its code has a URL', async () => {
    const guest = mkdtempSync(join(tmpdir(), 'wasm-pool-transpiled-'));
    jco('transpile', guestPath(2), '--instantiation', 'async', '-o', guest);
    const code = pathToFileURL(join(guest, 'preview2.js'));
    const src = { ...(await import(code.href)), code, modules: pathToFileURL(`${guest}/`) };
    const answers = async (given: WasmSource) => {
      await using app = await createHttpComponent(given, { max: 2 });
      return await Promise.all([ask(app, '/'), ask(app, '/'), ask(app, '/')]);
    };
    const answered = await answers(src);
    expect(answered[0]?.status).toBe(200);
    expect(answered).toEqual(await answers(guestPath(2)));
    rmSync(guest, { recursive: true });
  });

  test('whose code has a URL says which core module could not be had', async () => {
    const code = pathToFileURL(join(folder, 'guest.js'));
    const src = { instantiate, code, modules: pathToFileURL(`${folder}/nowhere/`) };
    const error = await failure(createWasmWorkerPool(src));
    expect(error).toMatchObject({ code: 'ERR_WASM_SOURCE' });
  });

  test('is refused on threads without it: code that was loaded here cannot go there', async () => {
    const source: TranspiledComponent = { instantiate, modules: pathToFileURL(`${folder}/`) };
    const error = await failure(createWasmWorkerPool(source));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
    expect(error.message).toMatch(
      /^src is a component transpiled ahead, .*; accepted: `code` in it/,
    );
  });

  test('has core modules that are no components', async () => {
    const modules = () => ({ instantiate, modules: pathToFileURL(folder) });
    // @ts-expect-error: the types refuse it, too
    const source: WasmSource = { instantiate, modules };
    const error = await failure(createWasmPool(source, { imports: host() }));
    expect(error).toMatchObject({ code: 'ERR_WASM_SOURCE' });
    expect(error.message).toMatch(/^src is \[object Object\]; accepted: bytes, /);
  });
});
