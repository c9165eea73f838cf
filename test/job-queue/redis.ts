import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether Debian's redis-server is here. */
export const hasRedis = (() => {
  try {
    execFileSync('redis-server', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

/** A Redis server that can be restarted, with the data that it had. It ends with the test. */
export async function restartableRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'job-queue-test-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const port = (probe.address() as { port: number }).port;
  probe.close();
  await once(probe, 'close');

  const start = async () => {
    const server = spawn(
      'redis-server',
      [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    for await (const chunk of server.stdout.setEncoding('utf8')) {
      said += chunk;
      if (/ready to accept connections/i.test(said)) break;
    }
    return server;
  };
  let server = await start();
  const stop = async () => {
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    await exit;
  };
  onTestFinished(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async restart() {
      await stop();
      server = await start();
    },
  };
}
