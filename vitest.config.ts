import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // The tests run the sources, so that coverage sees them; everything else uses dist.
    alias: {
      '@wasm-pool/core/internal': source('core/src/internal.ts'),
      '@wasm-pool/core': source('core/src/index.ts'),
      '@wasm-pool/wasm-adapter': source('wasm-adapter/src/index.ts'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    execArgv: ['--expose-gc'], // some tests force a collection
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      thresholds: { 'packages/core/src/**/*.ts': { 100: true } },
    },
  },
});
