// What the runner needs: platforms and bundlers in exact versions, and a project with our packages as
// they would be published.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { wat } from '../helpers/wat.ts';
import { texts } from './program/modules.ts';

const here = import.meta.dirname;
const root = join(here, '../..');
const fixtures = join(here, '../fixtures');

/**
 * The folder with the tools. They are half a gigabyte that no other test needs, so they are installed
 * when they are first asked for, into the user's cache, and anew when a version changes.
 */
export function installTools(): string {
  const manifest = readFileSync(join(here, 'tools/package.json'));
  const id = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(caches, 'wasm-pool-tests', `platforms-${id}`);
  if (existsSync(join(folder, 'node_modules'))) return folder;
  mkdirSync(join(caches, 'wasm-pool-tests'), { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  writeFileSync(join(made, 'package.json'), manifest);
  npm(made, 'install');
  try {
    renameSync(made, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // another run was faster
    rmSync(made, { recursive: true });
  }
  return folder;
}

/** Where the program is run. */
export interface Project {
  /** A folder where users would have our packages and their tools installed. */
  readonly folder: string;
  /** One that has nothing but our packages. */
  readonly empty: string;
  /** The folder with the tools. */
  readonly tools: string;
  /** A folder for what programs write. */
  readonly host: string;
  remove(): void;
}

/** A folder of the host that the guests of one program may use. */
export function folderForGuests({ host }: Project): string {
  const folder = mkdtempSync(join(host, 'guests-'));
  writeFileSync(join(folder, 'in.txt'), 'from the host');
  return folder;
}

/** Packs both packages and installs them. */
export async function makeProject(tools: string): Promise<Project> {
  const folder = mkdtempSync(join(tools, 'project-')); // tools are found in the folder above
  const empty = mkdtempSync(join(tmpdir(), 'wasm-pool-empty-'));
  const host = mkdtempSync(join(tmpdir(), 'wasm-pool-host-'));
  const remove = () => {
    for (const it of [folder, empty, host]) rmSync(it, { recursive: true, force: true });
  };
  try {
    const tarballs = ['core', 'wasm-adapter'].map((name) => pack(name, join(empty, `${name}.tgz`)));
    for (const project of [empty, folder]) {
      writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
    }
    npm(empty, 'install', '--omit=peer', ...tarballs);
    mkdirSync(join(folder, 'node_modules'));
    cpSync(join(empty, 'node_modules/@wasm-pool'), join(folder, 'node_modules/@wasm-pool'), {
      recursive: true,
    });
    for (const project of [empty, folder]) await writeProgram(project, tools);
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, empty, tools, host, remove };
}

function npm(cwd: string, ...args: string[]): void {
  const options = ['--no-audit', '--no-fund', '--legacy-peer-deps', '--loglevel=error'];
  execFileSync('npm', [...args, ...options], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

function pack(name: string, tarball: string): string {
  const args = ['--filter', `@wasm-pool/${name}`, 'pack', '--out', tarball];
  execFileSync('npm', ['run', '--silent', 'pnpm', '--', ...args], { cwd: root, stdio: 'ignore' });
  return tarball;
}

async function writeProgram(folder: string, tools: string): Promise<void> {
  cpSync(join(here, 'project'), folder, { recursive: true });
  const program = await rolldown({
    input: { checks: join(here, 'program/checks.ts'), tasks: join(here, 'program/tasks.ts') },
    resolve: {
      alias: { vitest: join(here, 'contract/shim.ts') },
      extensionAlias: { '.js': ['.ts'] },
    },
    transform: { target: 'es2023' },
  });
  await program.write({ dir: join(folder, 'program') });
  await program.close();
  mkdirSync(join(folder, 'guests'));
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(folder, `guests/${name}.wasm`), wat(text));
  }
  copyFileSync(join(fixtures, 'tool.wasm'), join(folder, 'guests/tool.wasm'));
  const adder = join(folder, 'guests/adder.wasm');
  copyFileSync(join(fixtures, 'components/jco-tests/adder.wasm'), adder);
  const jco = join(tools, 'node_modules/@bytecodealliance/jco/dist/jco.js');
  const out = join(folder, 'guests/adder');
  const args = [
    jco,
    'transpile',
    adder,
    '--instantiation',
    'async',
    '--no-nodejs-compat',
    '--quiet',
    '-o',
    out,
  ];
  execFileSync(process.execPath, args);
  const files = readdirSync(out);
  if (!files.includes('adder.js') || !files.includes('adder.core.wasm')) {
    throw new Error(`jco wrote ${files}`);
  }
}
