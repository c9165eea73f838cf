// Where a process may do little: read-only file systems, and the permission model of Node.js.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixturePath } from '../helpers/fixture.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasm-pool-permissions-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a script that makes a pool, as `make` says. Gives what it prints: `ok`, or the code and message. */
async function outcome(make: string, flags: readonly string[], node = process.execPath) {
  const script = join(root, 'test', `permissions-${process.pid}-${Math.random()}.mjs`);
  await writeFile(
    script,
    `import { createWasmPool, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
    try {
      const pool = await ${make};
      await pool.use(() => {});
      await pool.close();
      console.log('ok');
    } catch (error) {
      console.log(error.code, error.message);
    }`,
  );
  try {
    const { stdout } = await run(node, ['--no-warnings', ...flags, script], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder },
    });
    return stdout.trim();
  } finally {
    await rm(script);
  }
}

const bytes = `Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64')`;
const component = JSON.stringify(fixturePath('components/jco-tests/adder.wasm'));

describe('under --permission', () => {
  const readAll = ['--permission', '--allow-fs-read=*'];

  test('a pool of bytes needs nothing', async () => {
    expect(await outcome(`createWasmPool(${bytes})`, readAll)).toBe('ok');
  });

  test('a pool on threads names the flag that is missing', async () => {
    const make = `createWasmWorkerPool(${bytes}, { max: 1 })`;
    expect(await outcome(make, readAll)).toMatch(/^ERR_WASM_PLATFORM .*--allow-worker/);
    expect(await outcome(make, [...readAll, '--allow-worker'])).toBe('ok');
  });

  test('a file that may not be read names it', async () => {
    const flags = ['--permission', `--allow-fs-read=${join(root, 'test')}`];
    const paths = [join(root, 'packages'), join(root, 'node_modules')];
    const allowed = [...flags, ...paths.map((it) => `--allow-fs-read=${it}`)];
    const make = `createWasmPool(${JSON.stringify(join(folder, 'plugin.wasm'))})`;
    expect(await outcome(make, allowed)).toMatch(/^ERR_WASM_SOURCE .*--allow-fs-read/);
  });

  test('a component starts without writing anything', async () => {
    expect(await outcome(`createWasmPool(${component})`, [...readAll, '--allow-worker'])).toBe(
      'ok',
    );
  });

  // It comes from npm for Linux on x64 only.
  test.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
    'on Node.js 22, which does not name the flags itself, they are named too (Linux on x64)',
    async () => {
      const node = join(root, 'test/node_modules/node-22/bin/node');
      const flags = ['--experimental-permission', '--allow-fs-read=*'];
      const make = `createWasmWorkerPool(${bytes}, { max: 1 })`;
      expect(await outcome(make, flags, node)).toMatch(/^ERR_WASM_PLATFORM .*--allow-worker/);
    },
  );
});

test('a component starts where neither the home nor the temporary folder can be written', async () => {
  // The superuser may write anywhere else.
  const none =
    'process.env.TMPDIR = process.env.HOME = process.env.XDG_CACHE_HOME = "/dev/null/none"';
  const make = `(${none}, createWasmPool(${component}))`;
  expect(await outcome(make, [])).toBe('ok');
});
