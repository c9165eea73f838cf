// Starts programs: each in a process group of its own, with a time limit, ended with all that it started.
import { spawn } from 'node:child_process';

const running = new Set<number>();

function end(pid: number): void {
  running.delete(pid);
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {} // it has ended
}

process.on('exit', () => running.forEach(end));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** How a program is run. */
export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The program is ended and fails after so long. */
  readonly timeoutMillis: number;
}

/**
 * Runs a program to its end. Resolves with what it printed; rejects with that as well where it fails
 * or takes too long.
 */
export function run(command: string, args: readonly string[], options: RunOptions) {
  return new Promise<string>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      if (pid !== undefined) end(pid);
    }, options.timeoutMillis);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (pid !== undefined) end(pid); // and what it left behind
      if (code === 0) return resolve(output);
      const how = late ? `did not end within ${options.timeoutMillis} ms` : `${code ?? signal}`;
      reject(new Error(`${command} ${args.join(' ')}: ${how}\n${output.slice(-6000)}`));
    });
  });
}

/** A server that was started. */
export interface StartedServer extends AsyncDisposable {
  readonly url: string;
  /** What it has printed. */
  readonly output: string;
}

/** Starts a server. Resolves once it has printed its URL, which is the first group of `urlIn`. */
export async function startServer(
  command: string,
  args: readonly string[],
  urlIn: RegExp,
  options: RunOptions,
): Promise<StartedServer> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  let output = '';
  const closed = new Promise((resolve) => child.once('close', resolve));
  const stop = async () => {
    if (pid !== undefined) end(pid);
    await closed;
  };
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (how: string) =>
      reject(new Error(`${command} ${args.join(' ')}: ${how}\n${output.slice(-6000)}`));
    const timer = setTimeout(() => fail('it did not start'), options.timeoutMillis);
    child.once('error', reject);
    child.once('close', () => fail('it ended'));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const found = urlIn.exec(output)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
    }
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    url,
    get output() {
      return output;
    },
    [Symbol.asyncDispose]: stop,
  };
}
