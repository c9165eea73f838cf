// The route handler of docs/frameworks.md in Next itself: built, started, asked and ended.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { wat } from '../helpers/wat.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/frameworks.md'), 'utf8');
const folder = join(inject('folder'), 'next');

/** A block of the page by the file that its first line names. */
function block(name: string): string {
  const found = page.split('```').find((it) => it.split('\n')[1] === `// ${name}`);
  if (found === undefined) throw new Error(`docs/frameworks.md has no block ${name}`);
  return found.slice(found.indexOf('\n') + 1);
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const fib = wat(`(module (func $fib (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                   (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`);

beforeAll(() => {
  write('fib.wasm', fib);
  write('next.config.mjs', block('next.config.mjs'));
  write('app/pool.js', stripTypeScriptTypes(block('pool.ts')));
  write(
    'app/fib/route.js',
    stripTypeScriptTypes(block('route.ts')).replace('./pool.ts', '../pool.js'),
  );
  write('app/layout.js', 'export default ({ children }) => <html><body>{children}</body></html>;');
  const dependencies: Record<string, string> = { next: '^16', react: '^19', 'react-dom': '^19' };
  for (const name of ['core', 'wasm-adapter']) {
    const tarball = join(folder, `${name}.tgz`);
    const pack = ['run', '--silent', 'pnpm', '--', '--filter', `@wasm-pool/${name}`, 'pack'];
    execFileSync('npm', [...pack, '--out', tarball], { cwd: root, stdio: 'ignore' });
    dependencies[`@wasm-pool/${name}`] = `file:${tarball}`;
  }
  write('package.json', JSON.stringify({ private: true, type: 'module', dependencies }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: folder });
  execFileSync(process.execPath, [next, 'build'], { cwd: folder, env, stdio: 'pipe' });
});

const next = join(folder, 'node_modules/next/dist/bin/next');
const env = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  NEXT_TELEMETRY_DISABLED: '1',
  THREADS: '1',
  MAX_WAITING: '0',
};

test('a route handler of Next answers, refuses, lets go, and ends', async () => {
  const child = spawn(process.execPath, [next, 'start', '-p', '0'], { cwd: folder, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(output)));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const found = /Local:\s+(http:\S+)/.exec(output)?.[1];
      if (found !== undefined && output.includes('Ready')) resolve(found);
    });
  });
  const ask = (n: number, signal: AbortSignal | null = null) =>
    fetch(`${address}/fib?n=${n}`, { signal });
  expect(await (await ask(20)).json()).toEqual({ fib: 6765 });

  const client = new AbortController();
  const endless = ask(99, client.signal).catch((error: Error) => error.name);
  await expect.poll(async () => (await ask(1)).status).toBe(503);
  expect((await ask(1)).headers.get('retry-after')).toBe('1');
  client.abort();
  expect(await endless).toBe('AbortError');
  await expect.poll(async () => (await ask(10)).status).toBe(200);

  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
});
