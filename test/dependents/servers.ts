import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server on a port of its own, with nothing in it. */
export interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** What the title of a test says where its server is not installed. */
export const redisMissing = isInstalled('redis-server') ? '' : ' (skipped: no redis-server here)';
export const rabbitMissing = existsSync(RABBITMQ) ? '' : ' (skipped: no rabbitmq-server here)';

function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts `command`, and resolves when `ready` appears in what it prints. */
async function start(
  command: string,
  args: string[],
  ready: RegExp,
  env: Record<string, string> = {},
): Promise<ChildProcess> {
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk;
      if (ready.test(printed)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} exited with ${code}: ${printed}`)));
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

/** A Redis server. With `lines`, it is a sentinel with that configuration. */
export async function startRedis(
  options: { password?: string; sentinel?: string[] } = {},
): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-redis-'));
  const file = join(folder, 'redis.conf');
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'save ""'];
  if (options.password !== undefined) lines.push(`requirepass ${options.password}`);
  writeFileSync(file, [...lines, ...(options.sentinel ?? [])].join('\n'));
  const args = options.sentinel === undefined ? [file] : [file, '--sentinel'];
  const ready = options.sentinel === undefined ? /Ready to accept connections/ : /monitor master/;
  const child = await start('redis-server', args, ready);
  return {
    port,
    async stop() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A RabbitMQ broker, with a port mapper of its own. */
export async function startRabbit(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-rabbit-'));
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()];
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(mapper),
    RABBITMQ_NODENAME: `wasm-pool-${process.pid}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: folder,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
  };
  writeFileSync(env.RABBITMQ_ENABLED_PLUGINS_FILE, '[].');
  const child = await start(RABBITMQ, [], /Server startup complete/, env);
  return {
    port,
    async stop() {
      await end(child);
      spawnSync('epmd', ['-port', String(mapper), '-kill']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
