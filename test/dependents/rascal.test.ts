import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load, poolsOf } from './load.js';
import { rabbitMissing, type Server, startRabbit } from './servers.js';

describe.skipIf(rabbitMissing)(`with a RabbitMQ broker${rabbitMissing}`, () => {
  let rabbit: Server;
  beforeAll(async () => {
    rabbit = await startRabbit();
  });
  afterAll(() => rabbit.stop());

  test('rascal delivers 50 of 50 messages', async () => {
    const { BrokerAsPromised, withDefaultConfig } =
      load<typeof import('./programs.js').rascal>('rascal');
    const pools = poolsOf('rascal');
    const broker = await BrokerAsPromised.create(
      withDefaultConfig({
        vhosts: {
          '/': {
            connection: { url: `amqp://guest:guest@127.0.0.1:${rabbit.port}/` },
            exchanges: ['jobs'],
            queues: ['jobs'],
            bindings: ['jobs -> jobs'],
            publications: { jobs: { exchange: 'jobs' } },
            subscriptions: { jobs: { queue: 'jobs' } },
          },
        },
      }),
    );
    broker.on('error', () => {}); // those of its shutdown
    const received: unknown[] = [];
    const all = Promise.withResolvers<void>();
    const subscription = await broker.subscribe('jobs');
    subscription.on('message', (_message, content, ack) => {
      ack();
      received.push(content);
      if (received.length === 50) all.resolve();
    });
    const sent = Array.from({ length: 50 }, (_, index) => ({ index }));
    await Promise.all(
      sent.map(async (message) => {
        const publication = await broker.publish('jobs', message);
        await new Promise((resolve, reject) => {
          publication.on('success', resolve).on('error', reject);
        });
      }),
    );
    await all.promise;
    const byIndex = (a: { index: number }, b: { index: number }) => a.index - b.index;
    expect((received as { index: number }[]).sort(byIndex)).toEqual(sent);
    expect(pools.made.length).toBeGreaterThan(0);
    await broker.shutdown();
  });
});
