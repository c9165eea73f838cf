// Each server of docs/frameworks.md, as it stands there, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { wat } from '../helpers/wat.js';

const page = readFileSync(new URL('../../docs/frameworks.md', import.meta.url), 'utf8');
const blocks = page.matchAll(/^```ts(?: compile-only)?\n\/\/ (\w+\.ts)\n([\s\S]*?)^```$/gm);
const snippets = new Map(Array.from(blocks, ([, name = '', code = '']) => [name, code]));

const fib = wat(`(module (func $fib (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                   (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`);

let folder: string;
beforeAll(() => {
  const here = fileURLToPath(new URL('.', import.meta.url));
  folder = mkdtempSync(join(here, 'servers-')); // there, so that packages resolve
  for (const [name, code] of snippets) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'fib.wasm'), fib);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Started {
  readonly child: ChildProcess;
  readonly address: string;
  readonly output: () => string;
  get(
    path: string,
    signal?: AbortSignal,
  ): Promise<{ status: number; text: string; retryAfter: string | null }>;
  /** Resolves once the server has taken in all requests before. */
  seen(): Promise<void>;
}

async function start(file: string): Promise<Started> {
  const child = spawn(process.execPath, ['--no-warnings', file], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: '0',
      THREADS: '1',
      MAX_WAITING: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const address = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        const [, port] = /^http:\/\/\S+?:(\d+)$/m.exec(output) ?? [];
        if (port !== undefined) resolve(`http://localhost:${port}`);
      });
    }
    child.once('exit', () => reject(new Error(output)));
  });
  async function get(path: string, signal: AbortSignal | null = null) {
    const response = await fetch(address + path, { signal });
    const retryAfter = response.headers.get('retry-after');
    return { status: response.status, text: await response.text(), retryAfter };
  }
  const seen = async () => {
    for (let round = 0; round < 2; round++) expect((await get('/healthz')).status).toBe(200);
  };
  return { child, address, output: () => output, get, seen };
}

/** Decorators are no part of what Node.js runs; a bundler takes them out, as those who use Nest do. */
async function withoutDecorators(name: string): Promise<string> {
  const built = await rolldown({
    input: join(folder, name),
    platform: 'node',
    external: [/^(?![./]|@oxc-project\/|\0)/],
    transform: { decorator: { legacy: true } },
  });
  const file = join(folder, name.replace('.ts', '.mjs'));
  await built.write({ file, format: 'esm' });
  return file;
}

describe.each([
  ['Fastify', 'fastify.ts', '1'],
  ['Express', 'express.ts', '1'],
  ['Koa', 'koa.ts', '1'],
  ['Hono', 'hono.ts', '1'],
  ['NestJS', 'nestjs.ts', null],
] as const)('the server with %s', (framework, file, retryAfter) => {
  const program = async () =>
    framework === 'NestJS' ? withoutDecorators(file) : join(folder, file);

  test('answers; a full queue is a 503; and a client that leaves lets go of the thread', async () => {
    const { get, seen, output } = await start(await program());
    expect(await get('/fib/20')).toMatchObject({ status: 200, text: '{"fib":6765}' });
    const client = new AbortController();
    const endless = get('/fib/99', client.signal);
    await seen();
    const waiting = get('/fib/10');
    await seen();
    const refused = await get('/fib/10');
    expect([refused.status, refused.retryAfter]).toEqual([503, retryAfter]);
    if (framework !== 'Fastify') expect(refused.text).not.toContain('maxWaitingClients');
    client.abort();
    await expect(endless).rejects.toThrow('aborted');
    expect(await waiting).toMatchObject({ status: 200, text: '{"fib":55}' });
    expect(output()).not.toMatch(/unhandled/i);
  });

  test('finishes what is under way at SIGTERM, closes the pool, and ends with exit code 0', async () => {
    const { child, get, seen } = await start(await program());
    const running = get('/fib/36');
    await seen();
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await running).toMatchObject({ status: 200, text: '{"fib":14930352}' });
    expect(await exit).toEqual([0, null]);
  });
});

test("Next's route handler answers a request, a full queue, and lets go when its signal is aborted", async () => {
  vi.stubEnv('THREADS', '1');
  vi.stubEnv('MAX_WAITING', '0');
  const home = process.cwd();
  process.chdir(folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    process.chdir(home);
  });
  const { GET } = await import(join(folder, 'route.ts'));
  const { pool } = await import(join(folder, 'pool.ts'));
  onTestFinished(() => pool.close());
  const ask = (n: number, signal?: AbortSignal): Promise<Response> =>
    GET(new Request(`http://localhost/fib?n=${n}`, signal && { signal }));
  expect(await (await ask(10)).json()).toEqual({ fib: 55 });
  const client = new AbortController();
  const endless = ask(99, client.signal);
  await expect.poll(() => pool.borrowed).toBe(1);
  const refused = await ask(1);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  client.abort();
  await expect(endless).rejects.toThrow('aborted');
  await expect.poll(async () => (await ask(10)).status).toBe(200);
  // What a hot reload does: the module runs again, and finds the pool.
  const again = await import(`${pathToFileURL(join(folder, 'pool.ts'))}?reloaded`);
  expect(again.pool).toBe(pool);
});
