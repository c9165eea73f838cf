import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentNew, preview1AdapterCommandPath } from '@bytecodealliance/jco';
import { createWasmCommandPool, type WasmCommandPoolOptions } from '@wasm-pool/wasm-adapter';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { fixture } from '../helpers/fixture.js';

const text = { encoding: 'utf8' } as const;
let tool: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  const adapter = readFileSync(preview1AdapterCommandPath());
  const component = await componentNew(fixture('tool.wasm'), [['wasi_snapshot_preview1', adapter]]);
  tool = new Uint8Array(component);
});

const pooled = (options: WasmCommandPoolOptions = {}) => createWasmCommandPool(tool, options);

describe('a run of a component that exports wasi:cli/run', () => {
  test('has its own arguments, environment, input and output', async () => {
    await using pool = await pooled({ max: 2, env: { BASE: 'of all', WHO: 'nobody' } });
    const echo = await pool.run({ args: ['echo', 'one', 'two words'], ...text });
    expect(echo).toMatchObject({ exitCode: 0, stdout: 'one\ntwo words\n', stderr: '' });
    expect((await pool.run({ args: ['cat'], stdin: 'naïve', ...text })).stdout).toBe('naïve');
    const parts = new ReadableStream({
      start(controller) {
        controller.enqueue('in ');
        controller.enqueue('parts');
        controller.close();
      },
    });
    expect((await pool.run({ args: ['cat'], stdin: parts, ...text })).stdout).toBe('in parts');
    const env = async (name: string) =>
      (await pool.run({ args: ['env', name], env: { WHO: 'me' }, ...text })).stdout;
    expect([await env('BASE'), await env('WHO'), await env('PATH')]).toEqual([
      'of all\n',
      'me\n',
      'unset\n',
    ]);
  });

  test('sees nothing of the run before', async () => {
    await using pool = await pooled({ max: 1 });
    const counts = await Promise.all([1, 2, 3].map(() => pool.run({ args: ['count'], ...text })));
    expect(counts.map(({ stdout }) => stdout)).toEqual(['1\n', '1\n', '1\n']);
  });

  test('that fails has exit code 1 as its result, or rejects where that is asked for', async () => {
    await using pool = await pooled({ max: 1 });
    const left = await pool.run({ args: ['exit', '3'], ...text });
    expect(left).toMatchObject({ exitCode: 1, stderr: 'leaving with 3\n' }); // wasi:cli/exit has no code
    const error = await failure(pool.run({ args: ['exit', '3'], reject: true }));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMMAND', exitCode: 1 });
  });

  test('that traps, or writes without end, rejects with what it wrote, and harms no other', async () => {
    await using pool = await pooled({ max: 1, maxOutputBytes: 1000 });
    const trapped = await failure(pool.run({ args: ['trap'] }));
    expect(trapped).toMatchObject({ code: 'ERR_WASM_COMMAND', exitCode: undefined });
    expect(String(Reflect.get(trapped, 'stderr'))).toBe(
      String(new TextEncoder().encode('about to trap\n')),
    );
    const flooded = await failure(pool.run({ args: ['flood'] }));
    expect(flooded.message).toContain('1000 bytes');
    expect((await pool.run({ args: ['count'], ...text })).stdout).toBe('1\n');
  });

  test('has the folders of the pool', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wasm-pool-command-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'in.txt'), 'from the host');
    await using pool = await pooled({ max: 1, preopens: { '/data': folder } });
    const read = await pool.run({ args: ['read', '/data/in.txt'], ...text });
    expect(read).toMatchObject({ exitCode: 0, stdout: 'from the host' });
    await pool.run({ args: ['write', '/data/out.txt', 'to the host'] });
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe('to the host');
  });

  test('of preview 3 prints, too', async () => {
    const hello = fixture('components/jco-tests/p3-cli-hello-stdout.wasm');
    await using pool = await createWasmCommandPool(hello, { max: 1 });
    const run = await pool.run(text);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/hello/i);
  });

  test.each([
    ['preinitialize', { preinitialize: 'wizer.initialize' }],
    ['threads', { threads: 2 }],
    ['files', { files: { '/a': 'b' } }],
    ['cwd', { cwd: '/data' }],
    [
      'a folder of preopens that is readOnly',
      { preopens: { '/d': { path: '.', readOnly: true } } },
    ],
  ] as [string, WasmCommandPoolOptions][])('cannot be given %s', async (what, options) => {
    const error = await failure(pooled(options));
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toContain(`the program is a component, and ${what} is given`);
  });
});

test('a component that is no command is refused, with what it exports', async () => {
  const adder = fixture('components/jco-tests/adder.wasm');
  const error = await failure(createWasmCommandPool(adder));
  expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
  expect(error.message).toMatch(
    /no command: it exports .*; accepted: a component that exports wasi:cli\/run/,
  );
});
