import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
/** Files by a pattern, with slashes on Windows, too. */
const filesLike = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((file) => file.replaceAll('\\', '/'));
const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** The small test files of core share processes: to start one takes longer than their tests. */
function smallFiles(): string[] {
  const apart = /\/(closing|many|model|readme|shapes|soak)\.test\.ts$|\/drop-in\//;
  return filesLike('test/core/**/*.test.ts').filter((file) => !apart.test(file));
}

/** The test files with a long form: they import test/helpers/long.ts. */
function filesWithLongForms(): string[] {
  return filesLike('test/**/*.test.ts').filter((file) =>
    readFileSync(`${root}${file}`, 'utf8').includes('/helpers/long.js'),
  );
}

const exclude = [...configDefaults.exclude, 'test/dependents']; // npm run test:dependents
const small = smallFiles();

export default defineConfig(({ mode }) => ({
  resolve: {
    // The tests run the sources, so that coverage sees them; everything else uses dist.
    alias: {
      '@wasm-pool/core/fastify': source('core/src/fastify/index.ts'),
      '@wasm-pool/core/nestjs': source('core/src/nestjs/index.ts'),
      '@wasm-pool/core/generic-pool': source('core/src/drop-in/index.ts'),
      '@wasm-pool/core/opentelemetry': source('core/src/opentelemetry/index.ts'),
      '@wasm-pool/core/inspector': source('core/src/inspector/index.ts'),
      '@wasm-pool/core/internal': source('core/src/internal.ts'),
      '@wasm-pool/core/service': source('core/src/service/index.ts'),
      '@wasm-pool/core': source('core/src/index.ts'),
      '@wasm-pool/wasm-adapter/http': source('wasm-adapter/src/http/index.ts'),
      '@wasm-pool/wasm-adapter': source('wasm-adapter/src/index.ts'),
    },
  },
  test: {
    projects:
      mode === 'long'
        ? [{ extends: true, test: { name: 'long', include: filesWithLongForms(), exclude } }]
        : [
            { extends: true, test: { name: 'small', include: small, isolate: false } },
            {
              extends: true,
              test: {
                name: 'all',
                include: ['test/**/*.test.ts'],
                exclude: [...exclude, ...small],
              },
            },
          ],
    env: mode === 'long' ? { LONG: '1' } : {},
    execArgv: ['--expose-gc'], // some tests force a collection
    maxWorkers: 3, // of two cores: many tests wait, for threads and processes of their own
    retry: process.env.CI ? 1 : 0, // the report names each test that needed it
    // Only a test that hangs meets these; no test is about how long something takes.
    testTimeout: mode === 'long' ? 1_200_000 : 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 100_000 } },
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      thresholds: { 'packages/core/src/**/*.ts': { 100: true } },
    },
  },
}));
