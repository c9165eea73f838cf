import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.js';
import type { ProcessReport } from './job.js';

const main = fileURLToPath(new URL('./worker-main.js', import.meta.url));

/** How long a process that ended by itself is left alone: one that cannot start is not started in a loop. */
const RESTART_MILLIS = 500;

/** The worker processes. One that ends is replaced, until they are closed. */
export class Processes {
  readonly #config: Config;
  readonly #redisUrl: string;
  readonly #running = new Map<ChildProcess, ProcessReport | undefined>();
  #closing = false;

  constructor(config: Config, redisUrl: string) {
    this.#config = config;
    this.#redisUrl = redisUrl;
    for (let count = 0; count < config.processes; count++) this.#start();
  }

  /** What each process told last; a process that is starting has told nothing yet. */
  reports(): ProcessReport[] {
    return [...this.#running.values()].filter((it) => it !== undefined);
  }

  #start(): void {
    const { threads, callMillis, lockMillis } = this.#config;
    const child = fork(main, {
      env: {
        ...process.env,
        REDIS_URL: this.#redisUrl,
        THREADS: String(threads),
        CALL_MILLIS: String(callMillis),
        LOCK_MILLIS: String(lockMillis),
      },
    });
    this.#running.set(child, undefined);
    child.on('message', (report) => this.#running.set(child, report as ProcessReport));
    child.once('exit', () => {
      this.#running.delete(child);
      if (!this.#closing) setTimeout(() => this.#closing || this.#start(), RESTART_MILLIS).unref();
    });
  }

  /** Kills a process as the system would, without a warning; false where there is none of that number. */
  kill(pid: number): boolean {
    const child = [...this.#running.keys()].find((it) => it.pid === pid);
    return child?.kill('SIGKILL') ?? false;
  }

  /** Lets every process finish the jobs that it runs. Resolves once all have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      Array.from(this.#running.keys(), async (child) => {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }),
    );
  }
}
