// Installs programs that depend on generic-pool into a temporary folder, with our drop-in, packed as
// it would be published, in the place of generic-pool.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the programs are installed. */
    folder: string;
  }
}

const core = fileURLToPath(new URL('../../packages/core', import.meta.url));

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-dependents-'));
  const npm = (...args: string[]) =>
    execFileSync('npm', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  const tarball = npm('pack', '--silent', '--pack-destination', folder, core).trim();
  const packages = JSON.parse(
    readFileSync(new URL('./packages.json', import.meta.url), 'utf8'),
  ) as { dependencies: Record<string, string> };
  packages.dependencies['@wasm-pool/core'] = `file:${tarball}`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(packages));

  const inItsPlace = join(folder, 'generic-pool');
  mkdirSync(inItsPlace);
  writeFileSync(join(inItsPlace, 'package.json'), '{ "name": "generic-pool", "version": "3.9.0" }');
  writeFileSync(
    join(inItsPlace, 'index.js'),
    `module.exports = require('@wasm-pool/core/generic-pool');`,
  );
  npm(
    'install',
    '--install-links',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  );
  project.provide('folder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
