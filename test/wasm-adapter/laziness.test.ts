// Nothing is loaded that only some users need: which files of the packages an import loads, and a pool.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** The files of our packages that a script loads, by the names of the built ones. */
async function loadedBy(script: string): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({
      load(url, context, next) {
        const [, name] = /packages\\/(.*\\.m?js)$/.exec(url) ?? [];
        if (name !== undefined) loaded.push(name.replace('/dist', ''));
        return next(url, context);
      },
    });
    const { createWasmPool, createWasmWorkerPool } = await import('@wasm-pool/wasm-adapter');
    const bytes = Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64');
    ${script}
    console.log(JSON.stringify(loaded.sort()));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  return JSON.parse(stdout) as string[];
}

const atImport = ['core/index.js', 'core/internal.js', 'core/pool.js'].concat([
  'wasm-adapter/index.js',
  'wasm-adapter/main.js',
]);

test('an import loads one file of the package, and what core is', async () => {
  expect(await loadedBy('')).toEqual(atImport);
});

test('a pool of a module loads neither components nor threads nor WASI', async () => {
  const files = await loadedBy('await (await createWasmPool(bytes)).close();');
  expect(files).toEqual(
    [...atImport, 'wasm-adapter/make-wasm-pool.js', 'wasm-adapter/pool.js'].sort(),
  );
});

test('a pool on threads loads neither components nor WASI', async () => {
  const files = await loadedBy(
    'await (await createWasmWorkerPool(bytes, { max: 1, execArgv: [] })).close();',
  );
  expect(files).toContain('wasm-adapter/threads.js');
  expect(files.join()).not.toMatch(/component|commands|serving/);
});
