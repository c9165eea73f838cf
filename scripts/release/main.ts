// npm run release -- --dry-run   all but publishing: builds, checks, packs, and shows what would be published
// npm run release                the same, and publishes what the registry does not have yet
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTarball, obstacles, tryTarballs } from './checks.ts';
import { readFacts } from './facts.ts';
import { run, type Staged, stage } from './stage.ts';

const root = join(import.meta.dirname, '../..');
const dry = process.argv.includes('--dry-run');
const unknown = process.argv.slice(2).find((it) => it !== '--dry-run');
if (unknown !== undefined) throw new TypeError(`release: ${unknown}; accepted: --dry-run`);

const out = join(root, 'release');
rmSync(out, { recursive: true, force: true });
mkdirSync(out);

const facts = readFacts(root);
// Core first: the adapter depends on it.
const staged = ['packages/core', 'packages/wasm-adapter'].map((it) => stage(root, it, out, facts));
for (const it of staged) checkTarball(root, it);
const project = mkdtempSync(join(tmpdir(), 'wasm-pool-release-'));
tryTarballs(staged, project);
rmSync(project, { recursive: true });

for (const it of staged) show(it);
const missing = obstacles(root, facts, staged[0]?.version ?? '');
for (const sentence of missing) console.log(`${dry ? 'warning' : 'error'}: ${sentence}`);
if (dry) {
  console.log(`\nNothing is published. A release would${missing.length > 0 ? ' fail' : ''}.`);
} else if (missing.length > 0) {
  console.log('\nNothing is published.');
  process.exitCode = 1;
} else {
  for (const it of staged) publish(it);
}

function show({ name, version, tarball }: Staged): void {
  const files = run('tar', ['-tzf', tarball], root).trim().split('\n');
  const outside = files
    .map((it) => it.replace('package/', ''))
    .filter((it) => !it.startsWith('dist/'));
  console.log(
    `\n${name} ${version}: ${files.length} files, ${Math.round(statSync(tarball).size / 1024)} KiB packed`,
  );
  console.log(`  ${outside.sort().join(' ')}\n  and ${files.length - outside.length} in dist`);
  console.log(`  npm publish ${tarball.slice(root.length + 1)} --access public --provenance\n`);
}

/** Publishes a tarball, unless its version is there: a release that broke off goes on where it did. */
function publish({ name, version, tarball }: Staged): void {
  if (isPublished(name, version)) {
    console.log(`${name} ${version} is published already`);
    return;
  }
  console.log(run('npm', ['publish', tarball, '--access', 'public', '--provenance'], root));
}

function isPublished(name: string, version: string): boolean {
  try {
    return run('npm', ['view', `${name}@${version}`, 'version'], root).trim() === version;
  } catch {
    return false; // a name that was never published is an error
  }
}
