import { defineConfig } from 'vitest/config';

// Programs that depend on generic-pool, with our drop-in in its place. They are installed first.
export default defineConfig({
  test: {
    include: ['test/dependents/*.test.ts'],
    globalSetup: ['test/dependents/install.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
  },
});
