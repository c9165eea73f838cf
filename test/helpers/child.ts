import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const source = (path: string) => new URL(`../../packages/core/src/${path}`, import.meta.url).href;

/** Makes a child run the sources, as the tests do. */
const hooks = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (name === '@wasm-pool/core') return next('${source('index.ts')}', context);
      if (name === '@wasm-pool/core/generic-pool') return next('${source('drop-in/index.ts')}', context);
      if (name === '@wasm-pool/core/service') return next('${source('service/index.ts')}', context);
      const ours = name.startsWith('.') && context.parentURL?.startsWith('${source('')}');
      return next(ours ? name.replace(/\\.js$/, '.ts') : name, context);
    },
  });
`)}`;

/**
 * Runs `code`, which can import the same packages as a test, in a process of its own, and gives
 * what it printed and its exit code; null: it did not end within a minute.
 */
export function runChild(code: string): Promise<{ output: string; exitCode: number | null }> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--no-warnings', '--import', hooks, '--input-type=module', '--eval', code],
    { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 60_000 },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ output: output.trim(), exitCode }));
  });
}
