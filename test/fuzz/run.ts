// Mutates modules and components for so many seconds, in processes that are ended when they hang, and calls
// all functions of WASI with whatever a guest may: `npm run fuzz [seconds] [seed]`. A fault prints its
// seed; the same seed runs the same mutants.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const [, , seconds = '60', given] = process.argv;
const seed = Number(given ?? Date.now() % 2 ** 31);
const ends = performance.now() + Number(seconds) * 1000;
const fates = new Map<string, number>();
let faults = 0;
console.log(`seed ${seed}`);
for (let batch = 0; batch === 0 || performance.now() < ends; batch++) {
  const started = String(seed + batch);
  const child = join(import.meta.dirname, batch % 3 === 2 ? 'component-batch.ts' : 'batch.ts');
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', child, started],
    {
      encoding: 'utf8',
      timeout: 240_000,
      killSignal: 'SIGKILL',
    },
  );
  for (const [fate, count] of Object.entries(JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '{}'))) {
    fates.set(fate, (fates.get(fate) ?? 0) + Number(count));
  }
  if (status === 0) continue;
  // A changed branch can make a loop: what runs for ever on the main thread is what threads are for.
  if (signal === 'SIGKILL') {
    fates.set('ran for ever', (fates.get('ran for ever') ?? 0) + 1);
    continue;
  }
  faults++;
  console.log(`FAULT with seed ${started} (${signal ?? status}):\n${stderr.slice(-2000)}`);
}
// Some 250 runs a second, of up to sixty calls each: a quarter as long as the mutants took, for each world.
const runs = String(Math.max(Math.ceil(Number(seconds) * 60), 60));
const wasi = spawnSync('npx', ['vitest', 'run', 'test/wasm-adapter/wasi/hostile.test.ts'], {
  env: { ...process.env, WASI_FUZZ_RUNS: runs },
  stdio: 'inherit',
});
if (wasi.status !== 0) faults++;
console.log(Object.fromEntries([...fates].sort((a, b) => b[1] - a[1])));
process.exitCode = faults > 0 ? 1 : 0;
