import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixturePath } from '../../helpers/fixture.js';

const root = join(import.meta.dirname, '../../..');

/** An installation of ours, with nothing beside it but what a test puts there. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wasm-pool-packages-'));
  const ours = join(folder, 'node_modules', '@wasm-pool');
  for (const name of ['wasm-adapter', 'core']) {
    mkdirSync(join(ours, name), { recursive: true });
    for (const part of ['dist', 'package.json']) {
      cpSync(join(root, 'packages', name, part), join(ours, name, part), { recursive: true });
    }
  }
  symlinkSync(
    join(root, 'packages/core/node_modules/generic-pool'),
    join(folder, 'node_modules/generic-pool'),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function install(name: string, version?: string): void {
  const there = join(folder, 'node_modules', name);
  rmSync(there, { recursive: true, force: true });
  mkdirSync(join(there, '..'), { recursive: true });
  if (version === undefined) {
    symlinkSync(join(root, 'packages/wasm-adapter/node_modules', name), there);
    return;
  }
  mkdirSync(there);
  writeFileSync(join(there, 'index.js'), '');
  const manifest = { name, version, type: 'module', exports: './index.js' };
  writeFileSync(join(there, 'package.json'), JSON.stringify(manifest));
}

async function attempt(fixture: string): Promise<string> {
  const path = fixturePath(`${fixture}.wasm`);
  const script = `
    import { createWasmPool } from ${JSON.stringify(pathToFileURL(join(folder, 'node_modules/@wasm-pool/wasm-adapter/dist/index.js')).href)};
    const options = { component: { cache: false } };
    await createWasmPool(${JSON.stringify(path)}, options).then(
      (pool) => { console.log('made'); return pool.close(); },
      (error) => console.log(error.code, error.message),
    );`;
  const args = ['--input-type=module', '--eval', script];
  const env = { ...process.env, NODE_PATH: '' }; // pnpm's has all there is
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return stdout.replaceAll(root, '').trim();
}

const jco = '@bytecodealliance/jco';
const shim = '@bytecodealliance/preview2-shim';

describe('a core module', () => {
  test('needs no package but ours', async () => {
    expect(await attempt('structs')).toBe('made');
  });
});

describe('a component', () => {
  test('says which packages it needs, and how to install them', async () => {
    expect(await attempt('components/libc')).toBe(
      `ERR_WASM_JCO /test/fixtures/components/libc.wasm needs ${jco}, which is not installed: npm install ${jco}`,
    );
    install(jco, '1.2.3');
    expect(await attempt('components/libc')).toBe(
      `ERR_WASM_JCO /test/fixtures/components/libc.wasm needs ${jco} 1.35 or later, and 1.2.3 is installed: npm install ${jco}`,
    );
    install(jco);
    expect(await attempt('components/libc')).toBe(
      `ERR_WASM_JCO wasm#1 needs ${shim}, which is not installed: npm install ${shim}`,
    );
    install(shim, '0.17.0');
    expect(await attempt('components/libc')).toMatch(/0\.26 or later, and 0\.17\.0 is installed/);
    install(shim);
    expect(await attempt('components/libc')).toBe('made');
  });

  test('that imports no WASI needs no shim', async () => {
    install(jco);
    rmSync(join(folder, 'node_modules', shim), { force: true });
    expect(await attempt('components/guest')).toMatch(
      /^ERR_WASM_LINK wasm#1: the component imports test:guest/,
    );
  });
});
