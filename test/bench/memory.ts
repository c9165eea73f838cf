// A guest that leaks 64 KiB a call, with `maxMemoryBytes` and without.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { heading, record } from './report.ts';

const script = fileURLToPath(new URL('./memory/run.ts', import.meta.url));
const MIB = 2 ** 20;
// Without a limit all of it stays: 40,000 calls are 2.5 GiB in four instances.
const RUNS = { limited: process.argv.includes('--long') ? 1_000_000 : 200_000, unlimited: 40_000 };

for (const [name, calls] of Object.entries(RUNS)) {
  heading(name === 'limited' ? 'Leaking, maxMemoryBytes: 16 MiB' : 'Leaking, no maxMemoryBytes');
  const { stdout } = await promisify(execFile)(process.execPath, [script, name, `${calls}`]);
  const residentBytes: number[] = JSON.parse(stdout);
  for (const [index, bytes] of residentBytes.entries()) {
    const call = (index * calls) / (residentBytes.length - 1);
    const median = bytes / MIB;
    if (index % 4 === 0) {
      record({
        name: `resident after ${call} calls`,
        unit: 'MiB',
        median,
        from: median,
        to: median,
      });
    }
  }
}
