import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** Runs jco's command line. */
export function jco(...args: string[]): void {
  execFileSync(join(root, 'test/node_modules/.bin/jco'), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A component of a world of a WIT file, in JavaScript, with QuickJS inside: some 1.5 MB. */
export function jsComponent(wit: string, world: string, code: string): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-js-'));
  try {
    const [source, binary] = [join(folder, 'source.js'), join(folder, 'component.wasm')];
    writeFileSync(source, code);
    jco('componentize', source, '--backend', 'qjs', '--wit', wit, '-n', world, '-o', binary);
    return new Uint8Array(readFileSync(binary));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
