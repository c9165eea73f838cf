// Builds dist. Run after the compiler, and after core: npm run build
import { join } from 'node:path';
import { buildPackage } from '../../../scripts/build-package.ts';

await buildPackage({
  folder: join(import.meta.dirname, '..'),
  entries: {
    index: 'index.ts',
    http: 'http/index.ts',
  },
  commands: { cli: 'cli/main.ts' },
  programs: {
    thread: 'worker/thread/worker-main.ts',
    'jco-thread': 'component/jco-thread.ts',
    'http-thread': 'http/preview2/thread-main.ts',
    'command-tasks': 'command/thread-tasks.ts',
  },
  external: [/^@wasm-pool\/core/, /^@bytecodealliance\//],
});
