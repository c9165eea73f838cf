import { setTimeout as delay } from 'node:timers/promises';
import {
  createWasmCommandPool,
  type WasmCommandError,
  type WasmCommandPoolOptions,
} from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { fixture } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

const tool = fixture('tool.wasm');

/** The places where a run can take place: the same is said of each. */
const places: [string, WasmCommandPoolOptions][] = [
  ['on this thread', { suspends: true }],
  ['on this thread, without JSPI', { suspends: false }],
  ['on threads', { threads: 1 }],
];

const pooled = (options: WasmCommandPoolOptions = {}) => createWasmCommandPool(tool, options);

describe.each(places)('a run %s', (_, place) => {
  test('has its own arguments, environment, input and output', async () => {
    await using pool = await pooled({ ...place, env: { BASE: 'of all', WHO: 'nobody' } });
    const args = ['echo', 'one', 'two words'];
    const text = { encoding: 'utf8' } as const;
    expect((await pool.run({ args, ...text })).stdout).toBe('one\ntwo words\n');
    expect((await pool.run({ args: ['cat'], stdin: 'naïve', ...text })).stdout).toBe('naïve');
    expect((await pool.run({ args: ['cat'], stdin: Uint8Array.of(0, 255) })).stdout).toEqual(
      Uint8Array.of(0, 255),
    );
    const env = { WHO: 'Ada' };
    expect((await pool.run({ args: ['env', 'WHO'], env, ...text })).stdout).toBe('Ada\n');
    expect((await pool.run({ args: ['env', 'BASE'], env, ...text })).stdout).toBe('of all\n');
    expect((await pool.run({ args: ['env', 'HOME'], ...text })).stdout).toBe('unset\n');
  });

  test('that exits with a code has that as its result', async () => {
    await using pool = await pooled(place);
    for (const code of [0, 3, 255]) {
      const { exitCode, stderr } = await pool.run({ args: ['exit', `${code}`], encoding: 'utf8' });
      expect([exitCode, stderr]).toEqual([code, `leaving with ${code}\n`]);
    }
  });

  test('with `reject` rejects for such a code, with what it wrote', async () => {
    await using pool = await pooled(place);
    const error = await failure(pool.run({ args: ['exit', '3'], reject: true }));
    expect(error).toMatchObject({
      name: 'WasmCommandError',
      code: 'ERR_WASM_COMMAND',
      exitCode: 3,
    });
    expect(Buffer.from((error as WasmCommandError).stderr).toString()).toBe('leaving with 3\n');
    expect((await pool.run({ args: ['exit', '0'], reject: true })).exitCode).toBe(0);
  });

  test('that traps rejects, with what it wrote until then', async () => {
    await using pool = await pooled(place);
    const error = await failure(pool.run({ args: ['trap'] }));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMMAND', exitCode: undefined });
    expect(error.cause).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(Buffer.from((error as WasmCommandError).stderr).toString()).toBe('about to trap\n');
    expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
  });

  test.each([
    ['that returned', ['count'], 0],
    ['that exited', ['exit', '9'], 9],
    ['that grew its memory', ['grow'], 0],
  ])('sees nothing of one %s', async (__, args, exitCode) => {
    await using pool = await pooled({ ...place, files: {} });
    for (let round = 0; round < 3; round++) {
      expect((await pool.run({ args })).exitCode).toBe(exitCode);
      expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
    }
  });

  test('has files of its own, which are in the result', async () => {
    await using pool = await pooled({ ...place, files: { '/shared/base.txt': 'of the pool' } });
    const files = { '/data/in.txt': 'of the run' };
    const read = (path: string) => pool.run({ args: ['read', path], files, encoding: 'utf8' });
    expect((await read('/data/in.txt')).stdout).toBe('of the run');
    expect((await read('/shared/base.txt')).stdout).toBe('of the pool');
    const missing = await read('/data/none.txt');
    expect([missing.exitCode, missing.stderr]).toEqual([
      2,
      '/data/none.txt: No such file or directory\n',
    ]);
    const written = await pool.run({ args: ['write', '/data/out.txt', 'made'], files });
    const text = Array.from(written.files, ([path, bytes]) => [
      path,
      Buffer.from(bytes).toString(),
    ]);
    expect(Object.fromEntries(text)).toEqual({
      '/shared/base.txt': 'of the pool',
      '/data/in.txt': 'of the run',
      '/data/out.txt': 'made',
    });
    expect((await read('/data/out.txt')).exitCode).toBe(2);
  });

  test('that writes over a file of the pool leaves it to the others as it was', async () => {
    const base = new TextEncoder().encode('as it was');
    await using pool = await pooled({ ...place, files: { '/shared/base.txt': base } });
    const { files } = await pool.run({ args: ['write', '/shared/base.txt', 'changed'] });
    expect(Buffer.from(files.get('/shared/base.txt') ?? []).toString()).toBe('changed');
    expect(Buffer.from(base).toString()).toBe('as it was');
    const again = await pool.run({ args: ['read', '/shared/base.txt'], encoding: 'utf8' });
    expect(again.stdout).toBe('as it was');
  });

  test('finds relative paths in `cwd`', async () => {
    await using pool = await pooled({ ...place, cwd: '/data' });
    const files = { '/data/in.txt': 'here', '/other/in.txt': 'there' };
    const read = async (path: string) =>
      (await pool.run({ args: ['read', path], files, encoding: 'utf8' })).stdout;
    expect(await read('in.txt')).toBe('here');
    expect(await read('/data/in.txt')).toBe('here');
    expect(await read('/other/in.txt')).toBe('there');
    const pwd = await pool.run({ args: ['env', 'PWD'], files, encoding: 'utf8' });
    expect(pwd.stdout).toBe('/data\n');
  });

  test('that writes without end is ended at the limit, and what it wrote is kept', async () => {
    await using pool = await pooled({ ...place, maxOutputBytes: 100_000 });
    const error = await failure(pool.run({ args: ['flood'] }));
    expect(error).toMatchObject({ name: 'WasmCommandError', code: 'ERR_WASM_OUTPUT' });
    expect((error as WasmCommandError).stdout.length).toBe(100_000);
    expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
  });

  test('reads a stream to its end', async () => {
    await using pool = await pooled(place);
    async function* chunks() {
      for (const part of ['one ', 'two ', 'three']) {
        await delay(1);
        yield part;
      }
    }
    const { stdout } = await pool.run({ args: ['cat'], stdin: chunks(), encoding: 'utf8' });
    expect(stdout).toBe('one two three');
  });

  test('of bad options is refused before anything runs', async () => {
    await using pool = await pooled(place);
    const bad = [
      [{ arguments: ['a'] }, /command: run: unknown option arguments; accepted: args/],
      [{ args: [1] }, /args is an array .*; accepted: an array of strings/],
      [{ args: ['a\0b'] }, /accepted: an array of strings without NUL/],
      [{ env: { 'A=B': 'c' } }, /whose names have no =/],
      [{ encoding: 'latin1' }, /encoding is "latin1"; accepted: 'bytes' or 'utf8'/],
    ] as const;
    for (const [options, message] of bad) {
      const error = await failure(pool.run(options as never));
      expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
      expect(error.message).toMatch(message);
    }
    for (const path of ['/a//b', '/a/../b', 'a/./b', '/a\0']) {
      const error = await failure(pool.run({ files: { [path]: '' } }));
      expect(error.message, path).toContain("accepted: '/folder/file'");
    }
    const folder = failure(pool.run({ preopens: { '/x': '/no/such/folder' } }));
    expect((await folder).message).toMatch(/"\/no\/such\/folder", which cannot be opened/);
    expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
  });
});

describe('a run that takes too long', () => {
  test('is ended on its thread, by its time or by its signal', async () => {
    await using pool = await pooled({ threads: 1, timeoutMillis: 300 });
    expect(await failure(pool.run({ args: ['loop'] }))).toMatchObject({
      code: 'ERR_WASM_CALL_TIMEOUT',
    });
    const stop = new AbortController();
    const run = failure(pool.run({ args: ['loop'], signal: stop.signal, timeoutMillis: 0 }));
    await delay(50);
    stop.abort(new Error('enough'));
    expect((await run).message).toBe('enough');
    expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
  });

  test('on this thread is given up where it waits', async () => {
    await using pool = await pooled({ suspends: true });
    const sleeps = pool.run({ args: ['sleep', '100000'], timeoutMillis: 20 });
    expect(await failure(sleeps)).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    const stop = new AbortController();
    const silent = new ReadableStream<string>();
    const reads = failure(pool.run({ args: ['cat'], stdin: silent, signal: stop.signal }));
    await delay(20);
    stop.abort(new Error('enough'));
    expect((await reads).message).toBe('enough');
    expect((await pool.run({ encoding: 'utf8' })).stdout).toBe('1\n');
    const before = failure(pool.run({ signal: AbortSignal.abort(new Error('never')) }));
    expect((await before).message).toBe('never');
  });
});

describe('spawn', () => {
  test('has a conversation with a guest that can be suspended', async () => {
    await using pool = await pooled({ suspends: true });
    const { stdin, stdout, exited } = pool.spawn({ args: ['cat'] });
    const writer = stdin.getWriter();
    const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
    await writer.write('a'.repeat(5000));
    let read = '';
    while (read.length < 4096) read += (await reader.read()).value;
    expect(read).toBe('a'.repeat(4096)); // while it runs
    await writer.close();
    for (let next = await reader.read(); !next.done; next = await reader.read()) read += next.value;
    expect(read).toBe('a'.repeat(5000));
    expect((await exited).exitCode).toBe(0);
  });

  test.each(places)('gives all streams %s', async (_, place) => {
    await using pool = await pooled(place);
    const { stdin, stdout, stderr, exited } = pool.spawn({ args: ['exit', '4'] });
    await stdin.close();
    const texts = [new Response(stdout).text(), new Response(stderr).text()];
    expect(await Promise.all(texts)).toEqual(['', 'leaving with 4\n']);
    expect((await exited).exitCode).toBe(4);
  });

  test('holds a guest up that writes faster than anybody reads, until it is killed', async () => {
    await using pool = await pooled({ suspends: true, maxOutputBytes: 1000 });
    const { stdout, exited, kill } = pool.spawn({ args: ['flood'], stdin: '' });
    const reader = stdout.getReader();
    for (let read = 0; read < 300_000; ) read += (await reader.read()).value?.length ?? 0;
    kill(new Error('that will do'));
    expect((await failure(exited)).message).toBe('that will do');
  });

  test('tells a guest whose reader went away', async () => {
    await using pool = await pooled({ suspends: true });
    const { stdout, exited } = pool.spawn({ args: ['cat'], stdin: 'x'.repeat(1_000_000) });
    await stdout.cancel();
    expect((await exited).exitCode).toBe(4); // it could not write
  });
});

describe('a source that is no command', () => {
  test.each(places)('is refused %s, and told what is', async (_, place) => {
    const reactor = wat('(module (func (export "_initialize")) (func (export "work")))');
    const error = await failure(createWasmCommandPool(reactor, place));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toMatch(/is no command: it exports _initialize, work; accepted/);
  });
});

test('runs share the instances of the pool, no more than max of them', async () => {
  await using pool = await pooled({ max: 2, suspends: true });
  const runs = Array.from({ length: 10 }, (_, index) =>
    pool.run({ args: ['sleep', `${index % 3}`], encoding: 'utf8' }),
  );
  for (const { stdout } of await Promise.all(runs)) expect(stdout).toBe('awake\n');
  expect(pool.stats().created).toBeLessThanOrEqual(2);
});
