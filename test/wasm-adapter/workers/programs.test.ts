import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { describe, expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const here = import.meta.dirname;

/** A folder beside this file, so that what is in it finds the packages. */
async function folder(files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(here, 'program-'));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

/** Runs a file in a process of its own, and gives what it printed. */
async function output(path: string, cwd = here): Promise<string> {
  const { stdout } = await run(process.execPath, ['--no-warnings', path], {
    cwd,
    timeout: 120_000,
  });
  return stdout.trim();
}

const add = `new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0,
  7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11])`;

const typed = `
import type { WasmInstance } from '@wasm-pool/wasm-adapter';
export interface Add { add(a: number, b: number): number }
export const twice = ({ exports }: WasmInstance<Add>, value: number): number =>
  exports.add(value, value);
`;

describe('a program', () => {
  test('of TypeScript that Node.js runs directly', async () => {
    const path = await folder({
      'tasks.ts': typed,
      'main.ts': `
        import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
        const module = new URL('./tasks.ts', import.meta.url);
        const pool = await createWasmWorkerPool<typeof import('./tasks.ts')>(${add}, { module });
        const answer: number = await pool.run.twice(21);
        console.log(answer, await pool.run.add(1, 2));
        await pool.close();`,
    });
    expect(await output(join(path, 'main.ts'))).toBe('42 3');
  });

  test('of ES modules', async () => {
    const path = await folder({
      'tasks.js': 'export const twice = async ({ exports }, value) => exports.add(value, value);',
      'main.mjs': `
        import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
        const module = new URL('./tasks.js', import.meta.url).href;
        await using pool = await createWasmWorkerPool(${add}, { module, max: 2 });
        console.log(await Promise.all([pool.run.twice(21), pool.run.twice(1)]));`,
    });
    expect(await output(join(path, 'main.mjs'))).toBe('[ 42, 2 ]');
  });

  const own = {
    'tasks.ts': typed,
    'worker.ts': `
      import { serveTasks } from '@wasm-pool/wasm-adapter';
      import * as tasks from './tasks.ts';
      serveTasks(tasks);`,
    'main.ts': `
      import { Worker } from 'node:worker_threads';
      import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
      const pool = await createWasmWorkerPool<typeof import('./tasks.ts')>(${add}, {
        worker: (options) => new Worker(new URL('./worker.ts', import.meta.url), options),
        max: 1,
      });
      console.log(await pool.run.twice(21), await pool.run.add(1, 2));
      await pool.close();`,
  };

  test('with a worker file of its own', async () => {
    const path = await folder(own);
    expect(await output(join(path, 'main.ts'))).toBe('42 3');
  });

  test('with a worker file that loads its tasks later', async () => {
    const path = await folder({
      ...own,
      'worker.ts': `
        import { serveTasks } from '@wasm-pool/wasm-adapter';
        serveTasks(() => import('./tasks.ts'));`,
    });
    expect(await output(join(path, 'main.ts'))).toBe('42 3');
  });

  test('that is bundled, the packages and the worker with it', async () => {
    const path = await folder(own);
    const built = await mkdtemp('/tmp/wasm-pool-bundle-');
    onTestFinished(() => rm(built, { recursive: true }));
    const bundle = await rolldown({
      input: { main: join(path, 'main.ts'), worker: join(path, 'worker.ts') },
      platform: 'node',
      logLevel: 'silent',
    });
    await bundle.write({ dir: built, format: 'esm', entryFileNames: '[name].ts', minify: true });
    await bundle.close();
    // Nothing of it is to be found from there but what was bundled.
    expect(await output(join(built, 'main.ts'), built)).toBe('42 3');
  });

  test('is told where its worker serves no tasks', async () => {
    const path = await folder({
      'main.mjs': `
        import { Worker } from 'node:worker_threads';
        import { createWasmWorkerPool, serveTasks } from '@wasm-pool/wasm-adapter';
        const worker = (options) => new Worker('', { ...options, eval: true });
        await createWasmWorkerPool(${add}, { worker, max: 1 }).catch(({ code, message }) =>
          console.log(code, message),
        );
        try {
          serveTasks({});
        } catch ({ code }) {
          console.log(code);
        }
        const file = new URL('./lone.mjs', import.meta.url);
        new Worker(file).on('error', ({ code }) => console.log(code));`,
      'lone.mjs': `
        import { serveTasks } from '@wasm-pool/wasm-adapter';
        serveTasks({});`,
    });
    expect((await output(join(path, 'main.mjs'))).split('\n')).toEqual([
      'ERR_WASM_WORKER_EXIT wasm#1: its thread ended: the thread exited with code 0',
      'ERR_WASM_WORKER',
      'ERR_WASM_WORKER',
    ]);
  });
});

describe('the process', () => {
  const start = (rest: string) => `
    import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
    const module = ${JSON.stringify(pathToFileURL(join(here, 'tasks/tasks.ts')).href)};
    const pool = await createWasmWorkerPool(${add}, { module, max: 2, min: 2 });
    process.on('exit', () => console.log('exit', pool.borrowed, pool.pending));
    ${rest}`;
  const ends = async (rest: string) => {
    const path = await folder({ 'main.mjs': start(rest) });
    return (await output(join(path, 'main.mjs'))).split('\n');
  };

  test('is not kept alive by idle workers', async () => {
    expect(await ends('')).toEqual(['exit 0 0']);
    expect(await ends('await Promise.all([pool.run.sum(1, 2), pool.run.sum(1, 2)]);')).toEqual([
      'exit 0 0',
    ]);
  });

  test('is not kept alive by a loan without a call', async () => {
    expect(await ends('await (await pool.acquire()).run.sum(1, 2);')).toEqual(['exit 1 0']);
  });

  test('is kept alive by calls that run or wait, and by their limits', async () => {
    expect(
      await ends(`
        for (let index = 0; index < 6; index++) {
          pool.run.sleepFor(100).then(() => console.log('slept'));
        }
        pool.call('never', [], { callTimeoutMillis: 1500 }).catch(({ code }) => console.log(code));`),
    ).toEqual([...new Array(6).fill('slept'), 'ERR_WASM_CALL_TIMEOUT', 'exit 0 0']);
  });

  test('is kept alive while a worker is made for a call, or judged', async () => {
    expect(
      await ends(`
        await pool.run.exit(0).catch(() => {});
        await pool.run.exit(0).catch(() => {});
        pool.use(({ run }) => run.sum(1, 2)).then(console.log);`),
    ).toEqual(['3', 'exit 0 0']);
  });

  test('ends once the pool is closed, without anything left', async () => {
    expect(
      await ends(`
        pool.run.loop().catch(({ code }) => console.log(code));
        await new Promise((go) => setTimeout(go, 50));
        await pool.close({ timeoutMillis: 20 });
        const open = () =>
          process.getActiveResourcesInfo().filter((it) => /Worker|Port|Timeout/.test(it));
        for (let turn = 0; turn < 1000 && open().length > 0; turn++) {
          await new Promise((go) => setImmediate(go));
        }
        console.log(open());`),
    ).toEqual(['ERR_WASM_WORKER_EXIT', '[]', 'exit 0 0']);
  });

  test('that has nothing left but a call without end is ended by process.exit', async () => {
    expect(
      await ends(`
        pool.run.loop();
        setTimeout(() => process.exit(), 50);`),
    ).toEqual(['exit 1 0']);
  });
});
