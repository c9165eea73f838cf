import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  DiskCache,
  defaultCacheFolder,
} from '../../../packages/wasm-adapter/src/component/disk-cache.js';
import { fixturePath } from '../../helpers/fixture.js';
import { guestPool } from './guests.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wasm-pool-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = () => readdirSync(folder).sort();
const file = (extension: string) => {
  const name = kept().find((entry) => entry.endsWith(extension));
  if (name === undefined) throw new Error(`no file ${extension} among ${kept()}`);
  return join(folder, name);
};

async function greets(options: Parameters<typeof guestPool>[0] = {}): Promise<string> {
  await using pool = await guestPool({ component: { cache: folder }, ...options });
  return pool.use(({ exports }) => exports.values.greet('you'));
}

async function child(): Promise<{ answer: string; jco: boolean }> {
  const script = join(import.meta.dirname, 'child.mjs');
  const args = [script, fixturePath('components/guest.wasm'), folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

describe('the cache of transpiled components', () => {
  test('has jco imported by the first process only', async () => {
    expect(await child()).toEqual({ answer: 'hello child', jco: true });
    expect(await child()).toEqual({ answer: 'hello child', jco: false });
  });

  test('is for nobody else to write: it holds code that is run', async () => {
    const cache = join(folder, 'deep', 'down');
    await greets({ component: { cache } });
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(cache)) {
      expect(statSync(join(cache, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('holds an entry for each set of options', async () => {
    await greets();
    expect(kept()).toHaveLength(2);
    await greets();
    expect(kept()).toHaveLength(2);
    await greets({ promising: ['test:guest/faults@1.0.0#ask'] });
    expect(kept()).toHaveLength(4);
  });

  test('holds an entry for each version of jco, and has any where none is installed', async () => {
    const cache = new DiskCache(folder);
    const made = (code: string) => ({ code, modules: new Map<string, Uint8Array<ArrayBuffer>>() });
    await cache.write('a key', ['1.35.0', '0.15.0'], made('old'));
    await cache.write('a key', ['1.36.0', '0.16.0'], made('new'));
    expect(await cache.read('a key', ['1.35.0', '0.15.0'])).toEqual(made('old'));
    expect(await cache.read('a key', ['1.36.0', '0.16.0'])).toEqual(made('new'));
    expect(await cache.read('a key', ['1.37.0', '0.16.0'])).toBeUndefined();
    expect(await cache.read('a key', undefined)).toEqual(made('new'));
    expect(await cache.read('another key', undefined)).toBeUndefined();
  });

  test('is not used where others can write to it or to a folder above it', async () => {
    const warned: unknown[] = [];
    const note = (warning: Error) => warned.push(Reflect.get(warning, 'code'));
    process.on('warning', note);
    const parent = join(folder, 'shared');
    const below = join(parent, 'mine');
    mkdirSync(below, { recursive: true });
    chmodSync(parent, 0o777);
    expect(await greets({ component: { cache: below } })).toBe('hello you');
    expect(readdirSync(below)).toEqual([]);
    chmodSync(parent, 0o1777); // nobody can move what is another's
    expect(await greets({ component: { cache: below } })).toBe('hello you');
    expect(readdirSync(below)).toHaveLength(2);
    chmodSync(below, 0o775);
    expect(await DiskCache.open(below)).toBeUndefined();
    process.off('warning', note);
    expect(warned).toContain('WASM_POOL_CACHE');
  });

  test('runs no code from a file that others can write, and writes it anew', async () => {
    await greets();
    const planted = file('.mjs');
    writeFileSync(planted, `throw new Error('planted')`);
    chmodSync(planted, 0o666);
    chmodSync(file('.component'), 0o666);
    expect(await greets()).toBe('hello you');
    for (const name of kept()) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test('deletes what was not used for long, and the oldest of too much', async () => {
    const cache = new DiskCache(folder, { bytes: 25_000, ageMillis: 60_000 });
    const made = { code: 'x'.repeat(10_000), modules: new Map() };
    const age = (key: string, millis: number) => {
      const name = kept().find((it) => !known.includes(it));
      if (name === undefined) throw new Error(`nothing was kept for ${key}`);
      known.push(name);
      const at = (Date.now() - millis) / 1000;
      utimesSync(join(folder, name), at, at);
    };
    const known: string[] = [];
    for (const [key, millis] of [
      ['old', 120_000],
      ['first', 30_000],
      ['second', 20_000],
    ] as const) {
      await cache.write(key, ['1'], made);
      age(key, millis);
    }
    writeFileSync(join(folder, 'a note of somebody'), '');
    await cache.write('third', ['1'], made);
    expect(await cache.read('old', ['1'])).toBeUndefined();
    expect(await cache.read('first', ['1'])).toBeUndefined();
    expect(await cache.read('second', ['1'])).toEqual(made);
    expect(await cache.read('third', ['1'])).toEqual(made);
    expect(kept()).toContain('a note of somebody');
  });

  test.each<[string, () => void]>([
    ['an entry of which a byte has changed', () => flip(file('.component'), 5000)],
    ['an entry whose checksum has changed', () => flip(file('.component'), 5)],
    ['an entry that ends too early', () => truncate(file('.component'), 3000)],
    ['an entry that is empty', () => truncate(file('.component'), 0)],
    ['code of which a byte has changed', () => flip(file('.mjs'), 5000)],
    ['code that ends too early', () => truncate(file('.mjs'), 3000)],
    ['code that is missing', () => rmSync(file('.mjs'))],
    ['an entry that is missing', () => rmSync(file('.component'))],
  ])('has %s made anew', async (_, damage) => {
    await greets();
    const before = contents();
    damage();
    expect(contents()).not.toEqual(before);
    expect(await greets()).toBe('hello you');
    expect(contents()).toEqual(before);
  });

  test('is there for many processes that begin at once', async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, child));
    for (const { answer } of answers) expect(answer).toBe('hello child');
    const kinds = kept().map((name) => name.replace(/^[0-9a-f]{64}.*(?=\.)/, ''));
    expect(kinds).toEqual(expect.arrayContaining(['.component', '.mjs']));
    expect(kept()).toHaveLength(2); // nothing half written is left
  });

  test('is not needed: nothing is kept where it is off', async () => {
    vi.stubEnv('TMPDIR', folder); // where the code is while it is imported
    expect(await greets({ component: { cache: false } })).toBe('hello you');
    expect(kept()).toEqual([]);
    vi.unstubAllEnvs();
  });

  test('is not needed: nothing is kept where it cannot be written', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    expect(await greets({ component: { cache: join(folder, 'a-file', 'cache') } })).toBe(
      'hello you',
    );
    expect(kept()).toEqual(['a-file']);
  });

  test.each<[NodeJS.Platform, NodeJS.ProcessEnv, string]>([
    ['linux', {}, join(homedir(), '.cache', 'wasm-pool')],
    ['linux', { XDG_CACHE_HOME: '/var/cache/me' }, '/var/cache/me/wasm-pool'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'wasm-pool')],
    ['darwin', { XDG_CACHE_HOME: '/no' }, join(homedir(), 'Library', 'Caches', 'wasm-pool')],
    ['win32', { LOCALAPPDATA: '/local' }, join('/local', 'wasm-pool', 'cache')],
    ['win32', {}, join(homedir(), 'AppData', 'Local', 'wasm-pool', 'cache')],
  ])('is in the user’s cache folder by default: on %s with %o', (platform, env, expected) => {
    expect(defaultCacheFolder(platform, env)).toBe(expected);
  });

  test('is nowhere by default where the user has no home', () => {
    const noHome = () => {
      throw new Error('uv_os_homedir returned ENOENT');
    };
    expect(defaultCacheFolder('linux', {}, noHome)).toBe(false);
    expect(defaultCacheFolder('linux', { XDG_CACHE_HOME: '/var/cache/me' }, noHome)).toBe(
      '/var/cache/me/wasm-pool',
    );
  });
});

function contents(): Record<string, Buffer> {
  return Object.fromEntries(kept().map((name) => [name, readFileSync(join(folder, name))]));
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = Number(bytes[at]) ^ 1;
  writeFileSync(path, bytes);
}

function truncate(path: string, length: number): void {
  writeFileSync(path, readFileSync(path).subarray(0, length));
}
