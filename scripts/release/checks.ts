import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from './facts.ts';
import { run, type Staged } from './stage.ts';

/** What keeps a release back, apart from the tarballs: a sentence each. */
export function obstacles(root: string, facts: Facts, version: string): string[] {
  const found: string[] = [];
  if (facts.repository === undefined) {
    found.push(
      'package.json at the root has no `repository`: only the owner can name it. READMEs have no links without it, and npm makes no provenance.',
    );
  }
  if (run('git', ['status', '--porcelain'], root) !== '') {
    found.push('The working tree has changes that are not committed.');
  }
  const changesets = globSync('.changeset/*.md', { cwd: root }).filter(
    (it) => !it.endsWith('README.md'),
  );
  if (changesets.length > 0) {
    found.push(`Changesets wait: ${changesets.join(', ')}. Run npm run release:version first.`);
  }
  const headings = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').match(/^## .*$/gm) ?? [];
  const heading = headings.find((it) => it.split(' ')[1] === version);
  if (heading === undefined) found.push(`CHANGELOG.md has no heading "## ${version}".`);
  else if (heading.includes('unreleased')) {
    found.push(`CHANGELOG.md says that ${version} is unreleased: put the day there.`);
  }
  return found;
}

/** Checks what would be published. Throws an Error that says what is wrong. */
export function checkTarball(root: string, { name, folder, tarball }: Staged): void {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const wrong: string[] = [];
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'LICENSES-OF-OTHERS.txt']) {
    if (!existsSync(join(folder, file))) wrong.push(`there is no ${file}`);
  }
  if (!read('LICENSE').includes('Apache License')) wrong.push('LICENSE is another one');
  if (!/generic-pool 3[\s\S]*Permission is hereby granted/.test(read('LICENSES-OF-OTHERS.txt'))) {
    wrong.push('the licence of generic-pool, whose code is inside, is missing');
  }
  const relative = /\]\((?!https?:|#)[^)]*\)/.exec(
    read('README.md').replaceAll(/^```[\s\S]*?^```$/gm, ''),
  );
  if (relative !== null)
    wrong.push(`README.md has a link that works in the repository only: ${relative[0]}`);
  const manifest = JSON.parse(read('package.json'));
  for (const key of ['description', 'keywords', 'license', 'engines', 'publishConfig']) {
    if (manifest[key] === undefined) wrong.push(`package.json has no ${key}`);
  }
  if (JSON.stringify(manifest).includes('workspace:')) wrong.push('it depends on a workspace');
  if (wrong.length > 0) throw new Error(`${name}: ${wrong.join('; ')}`);
  const bin = (it: string) => join(root, 'node_modules/.bin', it);
  run(bin('publint'), ['--strict', tarball], root);
  run(bin('attw'), [tarball], root);
}

/** Installs the tarballs into an empty project, and uses each by `import` and by `require`. */
export function tryTarballs(staged: readonly Staged[], folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer'];
  run('npm', ['install', ...flags, ...staged.map(({ tarball }) => tarball)], folder);
  const program = `
    const { createPool } = MODULE('@wasm-pool/core');
    const { createWasmPool } = MODULE('@wasm-pool/wasm-adapter');
    const any = createPool({ create: () => ({ n: 41 }), destroy() {} });
    const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    const pool = await createWasmPool(empty);
    console.log(await any.use(({ n }) => n + 1), pool.size);
    await pool.close();
    await any.close();`;
  const forms = {
    'try.mjs': program.replaceAll('MODULE(', 'await import('),
    'try.cjs': `(async () => {${program.replaceAll('MODULE(', 'require(')}})();`,
  };
  for (const [file, code] of Object.entries(forms)) {
    writeFileSync(join(folder, file), code);
    const said = run(process.execPath, [file], folder);
    if (said !== '42 1\n') throw new Error(`${file} prints ${said}`);
  }
}
