import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readChangeset, withVersion } from '../../scripts/release/changelog.js';
import { obstacles } from '../../scripts/release/checks.js';
import { readFacts } from '../../scripts/release/facts.js';
import { standaloneReadme } from '../../scripts/release/readme.js';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const url = 'https://forge.example/owner/name';

/** A folder with files of these texts; it is gone after the test. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test('links of a README that is published lead to the repository', () => {
  const text =
    '[a](../../docs/errors.md#codes) [b](#here) [c](https://c.example) ![d](../../docs/charts/pools.svg) [e](../../test/core)';
  expect(standaloneReadme(text, 'packages/core', root, url)).toBe(
    `[a](${url}/blob/HEAD/docs/errors.md#codes) [b](#here) [c](https://c.example) ![d](${url}/raw/HEAD/docs/charts/pools.svg) [e](${url}/tree/HEAD/test/core)`,
  );
});

test('while nobody has named the repository, such links are plain text, and code is left alone', () => {
  const text = '[a](../../docs/errors.md) `[x](y)`\n\n```ts\nf[0](z)\n```\n';
  const plain = 'a `[x](y)`\n\n```ts\nf[0](z)\n```\n';
  expect(standaloneReadme(text, 'packages/core', root, undefined)).toBe(plain);
  expect(() => standaloneReadme('[a](no.md)', 'packages/core', root, url)).toThrow(/no\.md/);
});

test.each(['packages/core', 'packages/wasm-adapter'])(
  'the README of %s has no link that works in the repository only, once it is published',
  (folder) => {
    const text = standaloneReadme(
      readFileSync(join(root, folder, 'README.md'), 'utf8'),
      folder,
      root,
      url,
    );
    const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
    const targets = Array.from(prose.matchAll(/\]\(([^()\s]+)\)/g), ([, it = '']) => it);
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((it) => !/^(https:|#)/.test(it))).toEqual([]);
  },
);

test('homepage and bugs follow from the repository, unless they are named', () => {
  const short = folderWith({ 'package.json': '{"repository":"github:owner/name"}' });
  expect(readFacts(short)).toEqual({
    url: 'https://github.com/owner/name',
    repository: { type: 'git', url: 'git+https://github.com/owner/name.git' },
    homepage: 'https://github.com/owner/name#readme',
    bugs: { url: 'https://github.com/owner/name/issues' },
  });
  const long = `{"repository":{"type":"git","url":"git+${url}.git"},"homepage":"https://site.example"}`;
  expect(readFacts(folderWith({ 'package.json': long }))).toMatchObject({
    url,
    homepage: 'https://site.example',
  });
  expect(readFacts(folderWith({ 'package.json': '{}' }))).toEqual({});
});

test('a release is kept back by a repository without a name, changes, changesets and a changelog', () => {
  const folder = folderWith({
    '.changeset/brave-cat.md': 'a change',
    'CHANGELOG.md': '# Changelog\n\n## 0.2.0 (unreleased)\n',
  });
  execFileSync('git', ['init', '-q'], { cwd: folder });
  expect(obstacles(folder, {}, '0.2.0')).toEqual([
    expect.stringContaining('no `repository`: only the owner can name it'),
    expect.stringContaining('not committed'),
    expect.stringContaining('.changeset/brave-cat.md'),
    expect.stringContaining('0.2.0 is unreleased'),
  ]);
  expect(obstacles(folder, {}, '0.3.0').at(-1)).toBe('CHANGELOG.md has no heading "## 0.3.0".');
});

test('nothing keeps a release back once all of that is done', () => {
  const folder = folderWith({ 'CHANGELOG.md': '## 0.2.0 (2026-11-27)\n' });
  const git = (...args: string[]) => {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.example'];
    execFileSync('git', [...who, ...args], { cwd: folder });
  };
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
  const repository = { type: 'git', url } as const;
  expect(obstacles(folder, { repository, url }, '0.2.0')).toEqual([]);
});

test('a changelog gets the changes of a version, breaking ones first', () => {
  const changes = [
    readChangeset('---\n"@wasm-pool/core": patch\n---\n\nNo more hangs.\n'),
    readChangeset(
      '---\n"@wasm-pool/core": patch\n"@wasm-pool/wasm-adapter": major\n---\nGone.\nAll.',
    ),
  ];
  expect(withVersion('# Changelog\n\n## 1.0.0\n', '2.0.0', '2026-11-27', changes)).toBe(
    '# Changelog\n\n## 2.0.0 (2026-11-27)\n\n### Breaking\n\n- Gone.\n  All.\n\n### Mended\n\n- No more hangs.\n\n## 1.0.0\n',
  );
  expect(() => readChangeset('---\n---\n\nNothing.')).toThrow(/no changeset/);
});

test('npm run release:version raises both packages together, and takes the changesets away', () => {
  const workspace = '*';
  const folder = folderWith({
    'package.json': '{"name":"root","private":true}',
    'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
    'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
    'CHANGELOG.md': '# Changelog\n\n## 0.1.0\n',
    'packages/core/package.json': '{"name":"@wasm-pool/core","version":"0.1.0"}',
    'packages/wasm-adapter/package.json': `{"name":"@wasm-pool/wasm-adapter","version":"0.1.0","dependencies":{"@wasm-pool/core":"workspace:${workspace}"}}`,
    '.changeset/brave-cat.md': '---\n"@wasm-pool/core": minor\n---\n\nPools purr.\n',
  });
  cpSync(join(root, '.changeset/config.json'), join(folder, '.changeset/config.json'));
  execFileSync(process.execPath, [join(root, 'scripts/release/version.ts'), folder]);
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  for (const name of ['core', 'wasm-adapter']) {
    expect(JSON.parse(read(`packages/${name}/package.json`)).version).toBe('0.2.0');
  }
  expect(read('CHANGELOG.md')).toMatch(
    /^# Changelog\n\n## 0\.2\.0 \(.*\)\n\n### New\n\n- Pools purr\.\n\n## 0\.1\.0/,
  );
  expect(() => read('.changeset/brave-cat.md')).toThrow(/ENOENT/);
  expect(() =>
    execFileSync(process.execPath, [join(root, 'scripts/release/version.ts'), folder], {
      stdio: 'pipe',
    }),
  ).toThrow(/there is no changeset/);
});
