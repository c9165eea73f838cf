import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (name: string) =>
  fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    // The tests run the sources, so that coverage sees them; everything else uses dist.
    alias: {
      '@wasm-pool/core': source('core'),
      '@wasm-pool/wasm-adapter': source('wasm-adapter'),
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
