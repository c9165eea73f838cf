import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultCacheFolder } from '../../../packages/wasm-adapter/src/component/disk-cache.js';
import { transpileKey } from '../../../packages/wasm-adapter/src/component/transpile.js';
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

  test('holds an entry for each version of jco', async () => {
    const manifest = join(
      import.meta.dirname,
      '../../node_modules/@bytecodealliance/jco/package.json',
    );
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    const options = { asyncImports: [], asyncExports: [] };
    expect(await transpileKey(new Uint8Array(), 'a name', options)).toContain(`"${version}"`);
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
    const answers = await Promise.all(Array.from({ length: 6 }, child));
    for (const { answer } of answers) expect(answer).toBe('hello child');
    expect(kept().map((name) => name.replace(/^[0-9a-f]{64}/, ''))).toEqual(
      expect.arrayContaining(['.component', '.mjs']),
    );
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
