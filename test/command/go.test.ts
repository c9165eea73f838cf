// words.go: a command by Go's own compiler, whose runtime polls, sleeps and runs goroutines on WASI.
import { createWasmCommandPool, type WasmCommandPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { fixture } from '../helpers/fixture.js';

const words = fixture('words-go.wasm');
const text = { encoding: 'utf8' } as const;

const places: [string, WasmCommandPoolOptions][] = [
  ['on this thread', {}],
  ['on threads', { threads: 1 }],
];

describe.each(places)('a program in Go, %s,', (_, place) => {
  test('reads its input, its environment and its files, in goroutines', async () => {
    await using pool = await createWasmCommandPool(words, { max: 2, ...place });
    const files = { '/in/one.txt': 'one two', '/in/two.txt': 'three' };
    const [input, named] = await Promise.all([
      pool.run({ stdin: 'a b c', ...text }),
      pool.run({ args: ['/in/one.txt', '/in/two.txt'], files, env: { PREFIX: '> ' }, ...text }),
    ]);
    expect(input).toMatchObject({ exitCode: 0, stdout: '- 3\n', stderr: '' });
    expect(named.stdout).toBe('> /in/one.txt 2\n> /in/two.txt 1\n');
  });

  test('exits with a code, and leaves nothing to the next run', async () => {
    await using pool = await createWasmCommandPool(words, { max: 1, ...place });
    const missing = await pool.run({ args: ['/in/none.txt'], files: { '/in/': '' }, ...text });
    expect(missing).toMatchObject({ exitCode: 3, stdout: '' });
    expect(missing.stderr).toBe('open /in/none.txt: No such file or directory\n');
    expect(await pool.run({ stdin: '', ...text })).toMatchObject({ exitCode: 0, stdout: '- 0\n' });
  });

  test('sleeps as long as it says, and no longer than its time limit', async () => {
    await using pool = await createWasmCommandPool(words, { max: 1, ...place });
    const began = performance.now();
    const slept = await pool.run({ env: { SLEEP: '30ms' }, stdin: 'x', ...text });
    expect(slept.stdout).toBe('- 1\n');
    expect(performance.now() - began).toBeGreaterThan(29);
    const ended = pool.run({ env: { SLEEP: '1h' }, stdin: 'x', timeoutMillis: 50 });
    await expect(ended).rejects.toMatchObject({ code: expect.stringContaining('TIMEOUT') });
  });
});
