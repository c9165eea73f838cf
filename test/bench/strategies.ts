// An instance per request, one shared instance behind a lock, and the pool: which of them, when?
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { heading, record } from './report.ts';
import { guests } from './strategies/guests.ts';

const script = fileURLToPath(new URL('./strategies/run.ts', import.meta.url));
const STRATEGIES = [
  'an instance per request',
  'one instance, locked',
  'a pool of 8',
  'a pool of 64',
];
/** By `--long` a minute each, which is what the README states. */
const MILLIS = process.argv.includes('--long') ? 60_000 : 4_000;
const MIB = 2 ** 20;

interface Outcome {
  readonly perSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly residentBytes: number;
  readonly failed: number;
}

async function outcomeOf(guest: string, strategy: string, scenario: string): Promise<Outcome> {
  const args = ['--no-warnings', script, guest, strategy, scenario, `${MILLIS}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

for (const scenario of ['computes', 'waits']) {
  for (const guest of Object.keys(guests)) {
    heading(
      scenario === 'computes'
        ? `${guest}, requests that compute`
        : `${guest}, requests that wait 1 ms for something else`,
    );
    for (const strategy of STRATEGIES) {
      const it = await outcomeOf(guest, strategy, scenario);
      const figure = (name: string, unit: string, value: number) =>
        record({ name: `${strategy}, ${name}`, unit, median: value, from: value, to: value });
      figure('requests', '/s', it.perSecond);
      figure('p50', 'µs', it.p50Millis * 1e3);
      figure('p99', 'µs', it.p99Millis * 1e3);
      figure('resident memory, at most', 'MiB', it.residentBytes / MIB);
      if (it.failed > 0) figure('failed requests', '', it.failed);
    }
  }
}
