// Real libraries from npm on real pools: nine borrowers on three instances, in each mode, compared with the
// library by itself. Each runs in a process of its own: `npm run test:field [part of a name ...]`.
// The libraries are installed when they are first asked for, in FIELD_FOLDER or the user's cache.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { libraries } from './libraries.ts';

const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const folder = process.env.FIELD_FOLDER || join(caches, 'wasm-pool-tests', 'field');
const wanted = process.argv.slice(2);
const chosen = libraries.filter(
  (it) => wanted.length === 0 || wanted.some((part) => it.name.includes(part)),
);
const MILLIS = 300_000;

function install(packages: readonly string[]): boolean {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  }
  const missing = packages.filter(
    (it) => !existsSync(join(folder, 'node_modules', it.replace(/(?<=.)@.*/, ''))),
  );
  if (missing.length === 0) return true;
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  const { status } = spawnSync('npm', ['install', ...options, ...missing], {
    cwd: folder,
    stdio: 'inherit',
    timeout: MILLIS,
  });
  return status === 0;
}

interface Ran {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(name: string, mode: string): Promise<Ran> {
  const file = join(import.meta.dirname, 'run-library.ts');
  const env = { ...process.env, FIELD_FOLDER: folder };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--expose-gc', '--no-warnings', file, name, mode],
      { env, timeout: MILLIS, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) =>
        resolve({ code: error?.signal ?? error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** In a few words, and whether that is what it should be. */
async function outcome(name: string, mode: string): Promise<[string, boolean]> {
  const { code, stdout, stderr } = await run(name, mode);
  const line = /^FIELD (.*)$/m.exec(stdout)?.[1];
  if (line === undefined || code !== 0) {
    const why = /^.*Error.*$/m.exec(stderr)?.[0] ?? stderr.slice(-200);
    return [`died (${code}): ${why.trim().slice(0, 160)}`, false];
  }
  const { right, wrong, first, created, destroyedBy, unrestorableBy, restoreBlockers } =
    JSON.parse(line);
  const made = `${created} made`;
  if (wrong > 0)
    return [`${wrong} of ${wrong + right} wrong, ${JSON.stringify(first).slice(0, 160)}`, false];
  const why = restoreBlockers[0] ?? Object.keys({ ...destroyedBy, ...unrestorableBy }).join();
  return [`${right} right, ${made}${why === '' ? '' : ` (${why})`}`, true];
}

let failed = 0;
const jobs = chosen.flatMap(({ name }) =>
  ['reuse', 'restore', 'fresh'].map((mode) => ({ name, mode })),
);

async function work(): Promise<void> {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const { name, mode } = job;
    const [text, isRight] = await outcome(name, mode);
    if (!isRight) failed++;
    console.log(`${name.padEnd(26)} ${mode.padEnd(8)} ${text}`);
  }
}

if (!install(chosen.flatMap((it) => it.packages))) {
  console.log('the libraries could not be installed');
  process.exit(1);
}
const count = jobs.length;
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`${count - failed} of ${count} right`);
process.exitCode = failed > 0 ? 1 : 0;
