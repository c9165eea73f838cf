import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Redis server of this program's own. */
export interface RedisServer {
  readonly url: string;
  /** Ends it, and removes its data. */
  close(): Promise<void>;
}

/**
 * Starts Debian's `redis-server` on a free port of this machine, with its data in a temporary folder.
 * Each write is on disk before it is answered, so that jobs survive a restart of the server.
 */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'job-queue-'));
  const port = await freePort();
  const server = spawn(
    'redis-server',
    [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      ...['--maxmemory-policy', 'noeviction'], // bullmq asks for that
    ],
    // In a group of its own: a terminal's Ctrl+C would end it before the jobs that run.
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const exit = once(server, 'exit');
  try {
    await ready(server.stdout, exit);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    const message = 'redis-server could not be started: install it, or set REDIS_URL';
    throw new Error(message, { cause });
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      server.kill('SIGTERM');
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ready(output: NodeJS.ReadableStream, exit: Promise<unknown>): Promise<void> {
  const lines = createInterface(output);
  const accepting = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (/ready to accept connections/i.test(line)) resolve();
    });
  });
  const ended = exit.then(() => {
    throw new Error('it ended at once');
  });
  await Promise.race([accepting, ended]);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
