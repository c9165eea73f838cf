import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from './facts.ts';
import { standaloneReadme } from './readme.ts';

/** A package as it would be published. */
export interface Staged {
  readonly name: string;
  readonly version: string;
  /** The folder that the tarball is made of, and the tarball. */
  readonly folder: string;
  readonly tarball: string;
}

/**
 * Makes a package's tarball: what `pnpm pack` takes, with a README whose links work by themselves, the
 * changelog, the licences of code that was bundled, and what package.json at the root says of the repository.
 *
 * @param path of the package, from the root
 * @param out an empty folder
 */
export function stage(root: string, path: string, out: string, facts: Facts): Staged {
  const packed = join(out, 'packed.tgz');
  run('npx', ['--yes', pnpm(root), 'pack', '--out', packed], join(root, path));
  const folder = join(out, path.replaceAll('/', '-'));
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', packed, '--strip-components=1', '-C', folder], out);
  rmSync(packed);

  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  writeFileSync(join(folder, 'README.md'), standaloneReadme(readme, path, root, facts.url));
  writeFileSync(join(folder, 'CHANGELOG.md'), readFileSync(join(root, 'CHANGELOG.md')));
  writeFileSync(join(folder, 'LICENSES-OF-OTHERS.txt'), licencesIn(folder).join('\n\n'));

  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { repository, homepage, bugs } = facts;
  delete manifest.scripts;
  delete manifest.devDependencies;
  Object.assign(manifest, {
    files: [...manifest.files, 'CHANGELOG.md', 'LICENSES-OF-OTHERS.txt'],
    ...(repository && { repository: { ...repository, directory: path } }),
    ...(homepage && { homepage }),
    ...(bugs && { bugs }),
  });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);

  const said = run('npm', ['pack', '--json', '--pack-destination', out], folder);
  const [{ filename }] = JSON.parse(said) as [{ filename: string }];
  const { name, version } = manifest as { name: string; version: string };
  return { name, version, folder, tarball: join(out, filename) };
}

/** The licences at the heads of built files, each once: of generic-pool, for example. */
function licencesIn(folder: string): string[] {
  const found = globSync('dist/**/*.{js,mjs}', { cwd: folder }).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return Array.from(text.matchAll(/\/\*! ([\s\S]*?) ?\*\//g), ([, it = '']) =>
      it.replaceAll(/^ \* ?/gm, '').trim(),
    );
  });
  return [...new Set(found)];
}

/** The version of pnpm that the repository installs with. */
function pnpm(root: string): string {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return /pnpm@\S+/.exec(scripts.pnpm)?.[0] ?? 'pnpm';
}

/** Runs a program to its end, and gives what it prints. Throws an Error with all of that if it fails. */
export function run(command: string, args: readonly string[], cwd: string): string {
  try {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: [...stdio] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${[command, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}
