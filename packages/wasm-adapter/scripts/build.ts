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
  // Beside what the entries need at once: code that is loaded when it is first used, by subject.
  // The first takes what it imports along, and so on.
  chunks: [
    { name: 'main', test: /[\\/]src[\\/](?!cli[\\/])/, tags: ['$initial'] },
    { name: 'pool', test: /[\\/]src[\\/](pool|module)[\\/]/ },
    { name: 'wasi', test: /[\\/]src[\\/]instance[\\/]wasi[\\/]/ },
    { name: 'components', test: /[\\/]src[\\/](instance[\\/])?component[\\/]/ },
    { name: 'threads', test: /[\\/]src[\\/]worker[\\/](?!thread[\\/])/ },
    { name: 'commands', test: /[\\/]src[\\/]command[\\/]/ },
    { name: 'serving', test: /[\\/]src[\\/]http[\\/]/ },
  ],
  external: [/^@wasm-pool\/core/, /^@bytecodealliance\//],
});
