import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// For a mutation run: the quick tests of core, without those of READMEs and of generic-pool itself.
export default defineConfig((env) => {
  const config = base(env);
  return {
    ...config,
    test: {
      ...config.test,
      projects: undefined,
      include: ['test/core/*.test.ts'],
      exclude: ['test/core/{readme,model,soak,many,generic-pool-contract}.test.ts'],
    },
  };
});
