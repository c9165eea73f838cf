import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { load, poolsOf } from './load.js';
import { redisMissing, type Server, startRedis } from './servers.js';

describe.skipIf(redisMissing)(`with a Redis server${redisMissing}`, () => {
  let redis: Server;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("@redis/client 1 isolates commands, with a max of '5' in its pool's options", async () => {
    const { createClient } = load<typeof import('./programs.js').redisClient>('@redis/client');
    const pools = poolsOf('@redis/client');
    const client = createClient({
      socket: { port: redis.port, host: '127.0.0.1' },
      isolationPoolOptions: { max: '5' },
    });
    await client.connect();
    await client.set('counter', '0');
    const connections = new Set<string>();
    const most = { now: 0, ever: 0 };
    await Promise.all(
      Array.from({ length: 50 }, () =>
        client.executeIsolated(async (isolated) => {
          most.ever = Math.max(most.ever, ++most.now);
          connections.add(String(await isolated.sendCommand(['CLIENT', 'ID'])));
          await isolated.incr('counter');
          most.now--;
        }),
      ),
    );
    expect(await client.get('counter')).toBe('50');
    expect([connections.size, most.ever]).toEqual([5, 5]);
    expect(pools.made.map(({ max }) => max)).toContain(5);
    await client.disconnect();
  });

  test('node-cache-redis keeps and finds values', async () => {
    const cache = load<typeof import('./programs.js').nodeCacheRedis>('node-cache-redis');
    const pools = poolsOf('node-cache-redis');
    cache.init({
      name: 'cache',
      redisOptions: { port: redis.port, host: '127.0.0.1' },
      poolOptions: { min: 2, max: 4, priorityRange: 2 },
      logger: { log() {}, info() {}, error() {} },
    });
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key, index) => cache.set(key, { index })));
    expect(await Promise.all(keys.map((key) => cache.get(key)))).toEqual(
      keys.map((_, index) => ({ index })),
    );
    await cache.deleteAll('key *');
    expect(await cache.keys('key *')).toEqual([]);
    expect(pools.made).toHaveLength(1);
    expect(pools.made[0]).toMatchObject({ max: 4, borrowed: 0 });
    await cache.getStore().drain();
  });

  test('ioredis-conn-pool passes its own tests', async () => {
    const folder = inject('folder');
    // Where npm finds a package it runs no tests of it: not below node_modules.
    const program = join(folder, 'ioredis-conn-pool');
    cpSync(join(folder, 'node_modules/ioredis-conn-pool'), program, { recursive: true });
    // They want a sentinel at an address of its author's; they get one here, with their password.
    const file = join(program, 'test/ioredis-pool-client.test.js');
    const source = readFileSync(file, 'utf8');
    const [, host] = /host: '([^']+)'/.exec(source) ?? [];
    const [, password = ''] = /password: '([^']+)'/.exec(source) ?? [];
    const server = await startRedis({ password });
    const sentinel = await startRedis({
      sentinel: [
        `sentinel monitor test 127.0.0.1 ${server.port} 1`,
        `sentinel auth-pass test ${password}`,
      ],
    });
    writeFileSync(
      join(program, 'redirect.js'),
      `const net = require('net');
       const { createConnection } = net;
       net.createConnection = (options, ...others) => createConnection(
         options.host === '${host}' ? { ...options, host: '127.0.0.1', port: ${sentinel.port} } : options, ...others);`,
    );
    const args = [
      '--config',
      JSON.stringify({ setupFiles: ['./redirect.js'], testEnvironment: 'node' }),
    ];
    const result = await jest(program, args);
    await sentinel.stop();
    await server.stop();
    expect(result).toMatch(/Tests: +3 passed, 3 total/);
  });
});

/** What Jest prints. */
function jest(cwd: string, args: string[]): Promise<string> {
  const bin = join(inject('folder'), 'node_modules/jest/bin/jest.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

describe("Jest's default configuration", () => {
  test('loads both doors, required and imported', async () => {
    const folder = join(inject('folder'), 'jest-defaults');
    cpSync(new URL('./jest-defaults', import.meta.url), folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    expect(await jest(folder, [])).toMatch(/Tests: +2 passed, 2 total/);
  });
});
