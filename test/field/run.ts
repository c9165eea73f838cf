// Real libraries from npm on real pools: nine borrowers on three instances, in each mode, compared with the
// library by itself. Each runs in a process of its own: `npm run test:field [part of a name ...]`.
// The libraries are installed when they are first asked for, in FIELD_FOLDER or a temporary folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libraries } from './libraries.ts';

const folder = process.env.FIELD_FOLDER || join(tmpdir(), 'wasm-pool-field');
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
    (it) => !existsSync(join(folder, 'node_modules', it.replace(/@[\d.]+$/, ''))),
  );
  if (missing.length === 0) return true;
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  const { status } = spawnSync('npm', ['install', ...options, ...missing], {
    cwd: folder,
    timeout: MILLIS,
  });
  return status === 0;
}

/** In a few words, and whether that is what it should be. */
function outcome(name: string, mode: string): [string, boolean] {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--no-warnings', join(import.meta.dirname, 'run-library.ts'), name, mode],
    {
      env: { ...process.env, FIELD_FOLDER: folder },
      encoding: 'utf8',
      timeout: MILLIS,
      maxBuffer: 2 ** 28,
    },
  );
  const line = /^FIELD (.*)$/m.exec(stdout)?.[1];
  if (line === undefined || status !== 0) {
    const why = /^.*Error.*$/m.exec(stderr)?.[0] ?? stderr.slice(-200);
    return [`died (${signal ?? status}): ${why.trim().slice(0, 160)}`, false];
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
for (const { name, packages } of chosen) {
  if (!install(packages)) {
    console.log(`${name.padEnd(26)} could not be installed`);
    failed++;
    continue;
  }
  for (const mode of ['reuse', 'restore', 'fresh']) {
    const [text, isRight] = outcome(name, mode);
    if (!isRight) failed++;
    console.log(`${name.padEnd(26)} ${mode.padEnd(8)} ${text}`);
  }
}
console.log(`${3 * chosen.length - failed} of ${3 * chosen.length} right`);
process.exitCode = failed > 0 ? 1 : 0;
