import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { fixturePath } from '../helpers/fixture.js';

const run = promisify(execFile);
const binary = (version: number) =>
  join(import.meta.dirname, `../node_modules/node-${version}/bin/node`);

// They come from npm for Linux on x64 only.
describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'the built packages',
  () => {
    test.each([
      [22, ''],
      [24, ', which can suspend'],
    ])('work on Node.js %d%s, and let it exit by itself', async (version, abilities) => {
      expect(existsSync(binary(version)), 'run pnpm install').toBe(true);
      const script = join(import.meta.dirname, 'smoke.mjs');
      const { stdout } = await run(binary(version), ['--no-warnings', script], {
        timeout: 30_000,
      });
      expect(stdout).toMatch(new RegExp(`^works on v${version}\\.[\\d.]+${abilities}\\n$`));
    });

    test.each([22, 24])('take components on Node.js %d', async (version) => {
      const child = join(import.meta.dirname, 'components/child.mjs');
      const cache = await mkdtemp(join(tmpdir(), 'wasm-pool-versions-'));
      const { stdout } = await run(binary(version), [
        child,
        fixturePath('components/guest.wasm'),
        cache,
      ]);
      expect(stdout).toMatch(/hello child/);
      await rm(cache, { recursive: true });
    });

    test('say that Node.js 22 cannot suspend components', async () => {
      const child = join(import.meta.dirname, 'components/child.mjs');
      const cache = await mkdtemp(join(tmpdir(), 'wasm-pool-versions-'));
      const path = fixturePath('components/jco-tests/p3-clocks-sleep.wasm');
      const error = await failure(run(binary(22), [child, path, cache]));
      expect(error.message).toMatch(/ERR_WASM_JSPI/);
      await rm(cache, { recursive: true });
    });

    test('work on the Node.js of this test', async () => {
      const script = join(import.meta.dirname, 'smoke.mjs');
      const { stdout } = await run(process.execPath, ['--no-warnings', script], {
        timeout: 30_000,
      });
      expect(stdout).toBe(`works on ${process.version}, which can suspend\n`);
    });
  },
);
