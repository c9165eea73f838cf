// Bundles the code that runs on threads into one file: a thread that loads some ninety files starts in
// more than twice the time. Run after the compiler: npm run bundle
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const folder = new URL('../dist/worker/thread/', import.meta.url);

const bundle = await rolldown({
  input: { 'thread.bundle': fileURLToPath(new URL('worker-main.js', folder)) },
  platform: 'node',
  external: [/^@bytecodealliance\//], // optional peers, for components alone
  logLevel: 'warn',
});
await bundle.write({
  dir: fileURLToPath(folder),
  format: 'esm',
  chunkFileNames: 'thread.[name].js',
});
await bundle.close();
