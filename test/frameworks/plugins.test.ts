import 'reflect-metadata';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createPool } from '@wasm-pool/core';
import fastifyPools from '@wasm-pool/core/fastify';
import { InjectPool, PoolModule } from '@wasm-pool/core/nestjs';
import { closerOf } from '@wasm-pool/core/service';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { failure } from '../helpers/failure.js';

const factory = { create: async () => ({}), destroy: async () => {} };
const failing = { create: () => Promise.reject(new Error('no')), destroy() {} };

test('the Fastify plugin tells health and readiness, and serves the inspector', async () => {
  await using pool = createPool(factory, { name: 'db', min: 1 });
  await pool.ready();
  const app = fastify();
  app.register(fastifyPools, { pools: [pool], inspector: '/pools' });
  onTestFinished(() => app.close());
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const status = async (path: string) => (await fetch(address + path)).status;
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
  expect(await (await fetch(`${address}/pools`)).text()).toContain('<title>Pools</title>');
  const open = await fetch(`${address}/pools?events`);
  await app.close(); // although the page is open
  await open.text();
  expect(pool.stats().draining).toBe(true);
});

test('the Fastify plugin answers 503 while creation fails, and while min is missing', async () => {
  await using pool = createPool(failing, { name: 'db', min: 1, autostart: false });
  const app = fastify();
  app.register(fastifyPools, { pools: [pool], health: '/alive', ready: '/ready' });
  onTestFinished(() => app.close());
  const ask = async (url: string) => (await app.inject({ url })).statusCode;
  expect([await ask('/alive'), await ask('/ready')]).toEqual([200, 503]);
  for (let round = 0; round < 3; round++) await failure(pool.acquire());
  expect(await ask('/alive')).toBe(503);
});

test('the Fastify plugin has no path that is false', async () => {
  await using pool = createPool(factory);
  const app = fastify();
  app.register(fastifyPools, { pools: [pool], health: false, ready: false });
  onTestFinished(() => app.close());
  const ask = async (url: string) => (await app.inject({ url })).statusCode;
  expect([await ask('/healthz'), await ask('/readyz')]).toEqual([404, 404]);
});

test('the Fastify plugin waits for no answer where Fastify ends all connections at once', async () => {
  const pool = createPool(factory);
  const app = fastify({ forceCloseConnections: true });
  app.register(fastifyPools, { pools: [pool] });
  const asked = Promise.withResolvers<void>();
  app.get('/never', () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const answer = failure(fetch(`${address}/never`));
  await asked.promise;
  await app.close();
  expect(await answer).toMatchObject({ message: 'fetch failed' });
  expect(pool.stats().draining).toBe(true);
});

test('the Fastify plugin is a plugin of Fastify 5 by the conventions of fastify-plugin', async () => {
  expect(Reflect.get(fastifyPools, Symbol.for('skip-override'))).toBe(true);
  expect(Reflect.get(fastifyPools, Symbol.for('plugin-meta'))).toMatchObject({ fastify: '5.x' });
  const app = fastify();
  app.register(fastifyPools, {} as never);
  await expect(app.ready()).rejects.toThrow('pools is missing; accepted: an array of pools');
  const other = fastify();
  other.register(fastifyPools, { pools: [], health: 'healthz' });
  await expect(other.ready()).rejects.toThrow('health is "healthz"; accepted: a path, or false');
});

test('the NestJS module provides pools by their names, and closes them behind the server', async () => {
  const [one, two] = [createPool(factory, { name: 'one' }), createPool(factory, { name: 'two' })];
  const log: string[] = [];
  class Service {
    readonly pools: unknown[];
    constructor(...pools: unknown[]) {
      this.pools = pools;
    }
    onModuleDestroy() {
      log.push(`module ${one.stats().draining}`);
    }
    beforeApplicationShutdown() {
      log.push(`server ${one.stats().draining}`);
    }
  }
  InjectPool()(Service, undefined as never, 0);
  InjectPool('other')(Service, undefined as never, 1);
  Reflect.defineMetadata('design:paramtypes', [Object, Object], Service);
  class AppModule {}
  Module({
    imports: [
      PoolModule.forRootAsync({ useFactory: async () => one }),
      PoolModule.forRootAsync({ name: 'other', useFactory: () => two, closeTimeoutMillis: 1 }),
    ],
    providers: [Service as Provider],
  })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  expect(app.get(Service).pools).toEqual([one, two]);
  await two.acquire(); // never returned
  await app.listen(0);
  await app.close();
  expect(log).toEqual(['module false', 'server false']);
  expect([one, two].map((pool) => pool.stats().draining)).toEqual([true, true]);
});

test('a server is closed behind its answers, with connections that clients keep', async () => {
  const asked = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const server = createServer(async ({ url }, response) => {
    if (url === '/streaming') response.write('begun, ');
    asked.resolve();
    await finish.promise;
    response.end('done');
  });
  const close = closerOf(server);
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const at = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const streaming = await fetch(`${at}/streaming`);
  const plain = fetch(at);
  await asked.promise;
  await expect
    .poll(() => new Promise((r) => server.getConnections((_, count) => r(count))))
    .toBe(2);
  const closing = close();
  await expect(fetch(at)).rejects.toThrow('fetch failed');
  finish.resolve();
  expect(await streaming.text()).toBe('begun, done');
  expect((await plain).headers.get('connection')).toBe('close');
  await closing;
  await closerOf(createServer())(); // one that never listened
});

test('a request that comes by a connection of before is answered while others are, and is its last', async () => {
  const finish = Promise.withResolvers<void>();
  const server = createServer(async ({ url }, response) => {
    if (url === '/slow') await finish.promise;
    response.end(url);
  });
  const close = closerOf(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })] as const;
  const ask = async (agent: Agent, path: string) => {
    const { port } = server.address() as AddressInfo;
    const asked = get({ agent, port, path, host: '127.0.0.1' });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.headers.connection;
  };
  expect(await ask(agents[0], '/quick')).toBe('keep-alive');
  const arrived = once(server, 'request');
  const slow = ask(agents[1], '/slow');
  await arrived;
  const address = server.address() as AddressInfo;
  const closing = close();
  server.address = () => address; // it has none any more, and its connections go on
  expect(await ask(agents[0], '/quick')).toBe('close');
  finish.resolve();
  expect(await slow).toBe('close');
  await closing;
});
