// npm run release:version: raises the versions by what the changesets say, and puts their texts into CHANGELOG.md
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readChangeset, withVersion } from './changelog.ts';
import { run } from './stage.ts';

const [folder = join(import.meta.dirname, '../..')] = process.argv.slice(2);
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

const changesets = globSync('.changeset/*.md', { cwd: folder })
  .filter((it) => !it.endsWith('README.md'))
  .sort();
if (changesets.length === 0) throw new Error('there is no changeset: npm run changeset makes one');
const changes = changesets.map((it) => readChangeset(read(it)));
run(join(import.meta.dirname, '../../node_modules/.bin/changeset'), ['version'], folder);
const { version } = JSON.parse(read('packages/core/package.json')) as { version: string };
const day = new Date().toISOString().slice(0, 10);
writeFileSync(
  join(folder, 'CHANGELOG.md'),
  withVersion(read('CHANGELOG.md'), version, day, changes),
);
console.log(`${version}: ${changes.length} changes; look at CHANGELOG.md and commit`);
