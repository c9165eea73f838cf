// npm run bench                       measures everything, saves it, and draws the charts of the README
// npm run bench -- core               one part
// npm run bench -- strategies --long  a part for as long as is stated in the README; for the others it is the same
// npm run bench -- core --compare     compares its ratios with those saved, and saves nothing
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { begin, compare, printMachine, save } from './report.ts';

const parts = [
  'core',
  'channels',
  'wasm',
  'wazero',
  'workers',
  'strategies',
  'latency',
  'memory',
  'startup',
  'copies',
  'http',
  'components',
  'component-http',
  'wasi',
  'job-queue',
];
const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = named.find((name) => !parts.includes(name));
if (unknown !== undefined) {
  throw new TypeError(`bench: there is no part ${unknown}; accepted: ${parts.join(', ')}`);
}

const wanted = named.length > 0 ? named : parts;
const [part] = wanted;
if (part !== undefined && wanted.length === 1) {
  printMachine();
  begin(part);
  await import(`./${part}.ts`);
  if (options.includes('--compare')) {
    if (!(await compare())) process.exitCode = 1;
  } else {
    await save([part, ...options].join(' '));
    await import('./charts.ts');
  }
} else {
  // Each in a process of its own: what V8 has learned from one is not in the figures of the next.
  for (const name of wanted) {
    const args = [fileURLToPath(import.meta.url), name, ...options];
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
