// Both doors of core load by import and by require, at run time and in TypeScript. These tests take
// the built package, as its users do.
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { SourceMapConsumer } from 'source-map';
import { afterAll, describe, expect, test } from 'vitest';

import { long } from '../helpers/long.js';

const packageFolder = new URL('../../packages/core/', import.meta.url);
const require = createRequire(import.meta.url);
// Where the package is found, and git does not look.
const folder = mkdtempSync(fileURLToPath(new URL('../node_modules/.forms-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: folder }, (error, stdout, stderr) => {
      resolve(error === null ? stdout.trim() : `${error.message}${stdout}${stderr}`);
    });
  });
}

/** Where `package@version` is, of those that are installed for other packages. */
function installed(name: string, version: string): string {
  const [path] = globSync(`../../node_modules/.pnpm/${name}@${version}*/node_modules/${name}`, {
    cwd: new URL('.', import.meta.url),
  });
  if (path === undefined) throw new Error(`${name}@${version} is not installed`);
  return fileURLToPath(new URL(path, import.meta.url));
}

const node22 = fileURLToPath(new URL('../node_modules/node-22/bin/node', import.meta.url));

describe.each([
  ['this Node.js', process.execPath, []],
  ['Node.js 22', node22, []],
  // As it is before 22.12.
  ['Node.js 22 that cannot require ES modules', node22, ['--no-experimental-require-module']],
])('on %s', (_, node, flags) => {
  const used = `(async () => {
    const factory = { create: async () => ({}), destroy: async () => {} };
    const strict = await core.createPool(factory).use(() => 'strict');
    const lenient = await dropIn.createPool(factory, { max: '2' }).use(() => 'lenient');
    console.log(strict, lenient, dropIn.default.createPool === dropIn.createPool);
  })();`;

  test('both doors load by require', async () => {
    const file = join(folder, 'required.cjs');
    writeFileSync(
      file,
      `const core = require('@wasm-pool/core'); const dropIn = require('@wasm-pool/core/generic-pool'); ${used}`,
    );
    expect(await run(node, ...flags, file)).toBe('strict lenient true');
  });

  test('both doors load by import', async () => {
    const file = join(folder, 'imported.mjs');
    writeFileSync(
      file,
      `import * as core from '@wasm-pool/core'; import * as dropIn from '@wasm-pool/core/generic-pool'; ${used}`,
    );
    expect(await run(node, ...flags, file)).toBe('strict lenient true');
  });
});

describe('a program that loads both forms', () => {
  test('tells errors apart by their code', async () => {
    const file = join(folder, 'both.mjs');
    writeFileSync(
      file,
      `import { createRequire } from 'node:module';
       import * as imported from '@wasm-pool/core';
       import * as importedDropIn from '@wasm-pool/core/generic-pool';
       const require = createRequire(import.meta.url);
       const forms = [imported, require('@wasm-pool/core')];
       const dropIns = [importedDropIn, require('@wasm-pool/core/generic-pool')];
       const factory = { create: async () => ({}), destroy: async () => {} };
       const told = async (call) => { try { await call(); } catch (error) { return error.code; } };
       const codes = async (createPool) => {
         const pool = createPool(factory, { acquireTimeoutMillis: 5, maxWaitingClients: 1 });
         await pool.acquire();
         const timedOut = told(() => pool.acquire());
         const full = await told(() => pool.acquire());
         const foreign = await told(() => pool.release({}));
         const timeout = await timedOut;
         void pool.drain();
         return [timeout, full, foreign, await told(() => pool.acquire())];
       };
       const failing = { create: async () => { throw new Error('no'); }, destroy() {} };
       console.log(JSON.stringify([
         ...(await Promise.all([...forms, ...dropIns].map(({ createPool }) => codes(createPool)))),
         await Promise.all(forms.map(({ createPool }) => told(() => createPool(factory, { max: -1 })))),
         await Promise.all(forms.map(({ createPool }) => told(() => createPool(failing).acquire()))),
       ]));
       process.exit();`,
    );
    const codes = [
      'ERR_POOL_ACQUIRE_TIMEOUT',
      'ERR_POOL_QUEUE_FULL',
      'ERR_POOL_NOT_BORROWED',
      'ERR_POOL_CLOSED',
    ];
    expect(JSON.parse(await run(process.execPath, file))).toEqual([
      ...Array(4).fill(codes),
      ['ERR_POOL_OPTION', 'ERR_POOL_OPTION'],
      ['ERR_POOL_CREATE', 'ERR_POOL_CREATE'],
    ]);
  });

  test('can answer a pool of the one form by the unfit of the other', async () => {
    const file = join(folder, 'unfit.mjs');
    writeFileSync(
      file,
      `import { createRequire } from 'node:module';
       import * as imported from '@wasm-pool/core';
       const required = createRequire(import.meta.url)('@wasm-pool/core');
       for (const [{ createPool }, { unfit }] of [[imported, required], [required, imported]]) {
         const pool = createPool({ create: () => ({}), destroy() {}, recycle: () => unfit('old') });
         await pool.use(() => {});
         console.log(JSON.stringify(pool.stats().destroyedBy));
       }`,
    );
    expect(await run(process.execPath, file)).toBe('{"old":1}\n{"old":1}');
  });
});

describe('the built package', () => {
  test('imports modules of Node.js and its own; an optional peer only where it is for that', () => {
    const peers = { nestjs: '@nestjs/common', opentelemetry: '@opentelemetry/api' };
    const expected = Object.entries(peers).flatMap(([entry, name]) =>
      ['dist', 'dist/cjs'].map((form) => `${form}/${entry}.js: ${name}`),
    );
    const files = globSync('dist/**/*.js', { cwd: packageFolder });
    const others = files.flatMap((file) => {
      const code = readFileSync(new URL(file, packageFolder), 'utf8');
      const source = code.replace(/\/\*[\s\S]*?\*\//g, '');
      const names = source.matchAll(/\b(?:from|import|require)\s*\(?\s*["']([^"'\n]+)["']/g);
      return [...names].flatMap(([, name = '']) =>
        name.startsWith('.') || isBuiltin(name) ? [] : [`${file}: ${name}`],
      );
    });
    expect(files).toContain('dist/cjs/index.js');
    expect(others.sort()).toEqual(expected.sort());
  });

  test.each(['dist', 'dist/cjs'])(
    'has generic-pool 3.9.0 in %s, with its licence and a source map',
    async (path) => {
      const file = new URL(`${path}/pool.js`, packageFolder);
      const source = readFileSync(file, 'utf8');
      expect(source).toMatch(
        /^\/\*! generic-pool 3\.9\.0\n[\s\S]*Copyright \(c\) 2010-2016 James Cooper/,
      );
      expect(source).toMatch(/^\/\*! events 3\.3\.0\n[\s\S]*Copyright Joyent/m);
      expect(source).toContain('The above copyright notice and this permission notice shall be');
      const map = JSON.parse(readFileSync(`${fileURLToPath(file)}.map`, 'utf8')) as object;
      const line =
        source.split('\n').findIndex((it) => it.includes('max waitingClients count')) + 1;
      const at = await SourceMapConsumer.with(map as never, null, (consumer) =>
        consumer.originalPositionFor({ line, column: 60 }),
      );
      expect(at.source).toMatch(/generic-pool\/lib\/Pool\.js$/);
    },
  );

  test('is bundled by an ES module bundler, either door by itself', async () => {
    for (const [door, result] of [
      ['@wasm-pool/core', 'true'],
      ['@wasm-pool/core/generic-pool', 'false'],
    ]) {
      const entry = join(folder, 'entry.mjs');
      writeFileSync(
        entry,
        `import { createPool } from '${door}';
         const pool = createPool({ create: async () => ({}), destroy: async () => {} });
         await pool.use(async () => {});
         console.log('stats' in pool);`,
      );
      const bundle = await rolldown({ input: entry, platform: 'node' });
      await bundle.write({ file: join(folder, 'bundle.mjs'), format: 'esm' });
      await bundle.close();
      expect(await run(process.execPath, join(folder, 'bundle.mjs'))).toBe(result);
    }
  });
});

const program = `
import { createPool, PoolError, type Pool, type PoolOptions } from '@wasm-pool/core';
import genericPool, { createPool as dropIn, DefaultEvictor, Deque, PriorityQueue, Pool as DropInPool } from '@wasm-pool/core/generic-pool';
import * as all from '@wasm-pool/core/generic-pool';
import type { Factory, IEvictor, Options } from '@wasm-pool/core/generic-pool';

const options: PoolOptions = { max: 2 };
const pool: Pool<{ id: number }> = createPool({ create: () => ({ id: 1 }), destroy() {} }, options);
export const used: Promise<number> = pool.use(({ id }) => id);
export const isPoolError = (error: unknown) => error instanceof PoolError && error.code;

interface Client { ping(): Promise<string> }
class ClientFactory implements Factory<Client> {
  async create(): Promise<Client> { return { ping: async () => 'PONG' }; }
  async destroy(client: Client): Promise<void> { await client.ping(); }
  async validate(client: Client): Promise<boolean> { return (await client.ping()) === 'PONG'; }
}
const lenient: Options = { max: 2, min: 1, testOnReturn: true };
const clients: DropInPool<Client> = dropIn(new ClientFactory(), lenient);
clients.on('factoryCreateError', () => {}).setMaxListeners(20);
export const pinged: Promise<string> = clients.use((client) => client.ping(), 1);
export const byDefault: genericPool.Pool<Client> = genericPool.createPool(new ClientFactory());
export const byNamespace: all.Pool<Client> = all.createPool<Client>(new ClientFactory());
class Never implements IEvictor<Client> { evict() { return false; } }
export const own = new DropInPool<Client>(Never, Deque, PriorityQueue, new ClientFactory());
class Counting extends DropInPool<Client> {
  override acquire(priority?: number): Promise<Client> { return super.acquire(priority); }
}
export const counting = new Counting(DefaultEvictor, Deque, PriorityQueue, new ClientFactory());
// @ts-expect-error an option of another type
dropIn(new ClientFactory(), { max: {} });
// @ts-expect-error not a member
pool.acquireAll();
`;

describe('in TypeScript', () => {
  const typescript7 = require.resolve('typescript/package.json', {
    paths: [fileURLToPath(new URL('../..', import.meta.url))],
  });
  const compilers = [
    ['7', join(typescript7, '../bin/tsc')],
    ['6', join(installed('typescript', '6.'), 'bin/tsc')],
    ['5.6', join(installed('typescript', '5.6'), 'bin/tsc')],
  ] as const;
  const modules = [
    ['commonjs', ['cts'], { module: 'commonjs', moduleResolution: 'bundler' }],
    ['node16', ['cts', 'mts'], { module: 'node16' }],
    ['nodenext', ['cts', 'mts'], { module: 'nodenext' }],
    ['esnext of a bundler', ['mts'], { module: 'esnext', moduleResolution: 'bundler' }],
  ] as const;
  const cases = compilers.flatMap(([version, tsc]) =>
    modules
      .map(([name, extensions, options]) => ({ version, tsc, name, extensions, options }))
      .filter(({ name }) => long || version === '7' || (version === '5.6' && name === 'commonjs')),
  );

  test.each(cases)('$version, the types are right for module $name', async (it) => {
    const name = `types-${it.version}-${it.name.replaceAll(' ', '-')}`;
    const files = it.extensions.map((extension) => `${name}.${extension}`);
    for (const file of files) writeFileSync(join(folder, file), program);
    const config = join(folder, `${name}.json`);
    const compilerOptions = {
      ...it.options,
      // Before version 6, commonjs comes with the resolution of Node.js 10, without "exports".
      ...(it.version === '5.6' && it.name === 'commonjs' && { moduleResolution: 'node10' }),
      target: 'es2022',
      lib: ['es2022'],
      types: ['node'],
      strict: true,
      esModuleInterop: true,
      skipLibCheck: false,
      noEmit: true,
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    expect(await run(process.execPath, it.tsc, '-p', config)).toBe('');
  });
});
