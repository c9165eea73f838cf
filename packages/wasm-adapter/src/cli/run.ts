import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { OptionError } from '@wasm-pool/core';
import { WasmCommandError } from '../command/command-error.js';
import type { CommandRunOptions, WasmCommandPoolOptions } from '../command/command-options.js';
import { createWasmCommandPool } from '../command/create-command-pool.js';

/** What the help says of it. */
export const usage =
  'run [--dir GUEST=HOST] [--env NAME=VALUE] [--cwd FOLDER] [--bench] [--seconds N] module.wasm [-- ARGS]';

/** How long a command that is tried by hand may sleep: it blocks nobody else's thread. */
const MAX_BLOCK_MILLIS = Number.POSITIVE_INFINITY;

/** Runs a module built for WASI with this process's streams, and exits with its code. */
export async function command(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  const { values, positionals } = parseArgs({
    args: [...own],
    allowPositionals: true,
    options: {
      dir: { type: 'string', multiple: true, default: [] },
      env: { type: 'string', multiple: true, default: [] },
      cwd: { type: 'string' },
      bench: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '3' },
    },
  });
  const [path, ...more] = positionals;
  if (path === undefined) throw new OptionError(`no module is given; accepted: ${usage}`);
  const options: WasmCommandPoolOptions = {
    ...{ name: basename(path), max: 1, maxBlockMillis: MAX_BLOCK_MILLIS, cwd: values.cwd },
    env: pairs('--env', values.env),
    preopens: pairs('--dir', values.dir),
  };
  const run = { args: [...more, ...(end === -1 ? [] : args.slice(end + 1))] };
  if (values.bench) {
    const seconds = Number(values.seconds);
    if (!(seconds > 0)) {
      throw new OptionError(`--seconds is ${values.seconds}; accepted: a number above 0`);
    }
    return bench(path, options, run, seconds);
  }
  await using pool = await createWasmCommandPool(path, options);
  try {
    const streams = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;
    return (await pool.run({ ...run, ...streams })).exitCode;
  } catch (error) {
    if (!(error instanceof WasmCommandError)) throw error;
    console.error(`wasm-pool run: ${error.message}`);
    return 134; // as a shell says of a program that was aborted
  }
}

function pairs(name: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new OptionError(`${name} is ${JSON.stringify(pair)}; accepted: ${name} NAME=VALUE`);
    }),
  );
}

/** Prints how long runs take: of a pool, and of an instance that is made for each. */
async function bench(
  path: string,
  options: WasmCommandPoolOptions,
  run: CommandRunOptions,
  seconds: number,
): Promise<number> {
  await using pool = await createWasmCommandPool(path, options);
  await using single = await createWasmCommandPool(path, { ...options, maxUses: 1 });
  const once = await pool.run(run);
  console.log(`${options.name}: exit code ${once.exitCode}, ${once.stdout.length} bytes of output`);
  const subjects = [
    ['a pool', pool],
    ['an instance for each run', single],
  ] as const;
  const times = new Map<string, number[]>(subjects.map(([name]) => [name, []]));
  // In turns, so that what else the machine does hits both alike.
  for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
    for (const [name, subject] of subjects) {
      const start = performance.now();
      await subject.run(run);
      times.get(name)?.push(performance.now() - start);
    }
  }
  for (const [name, all] of times) {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const perSecond = Math.round((1000 * all.length) / all.reduce((sum, it) => sum + it, 0));
    const millis = [at(0.5), at(0.99)].map((it) => `${it.toFixed(3)} ms`);
    console.log(`${name.padEnd(26)} ${perSecond} runs/s, p50 ${millis[0]}, p99 ${millis[1]}`);
  }
  return 0;
}
