import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Deployment } from 'kubernetes-models/apps/v1';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import { QUEUE } from '../../examples/job-queue/dist/job.js';
import { wat } from '../helpers/wat.js';
import { hasRedis, restartableRedis } from '../job-queue/redis.js';
import {
  hasPrometheus,
  needsPrometheus,
  openEndpoint,
  startPrometheus,
} from '../opentelemetry/scrape.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/scaling-out.md'), 'utf8');

interface Container {
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: 'Deployment' | 'ScaledObject';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly scaleTargetRef?: { readonly name: string };
    readonly triggers?: readonly {
      readonly type: string;
      readonly metadata: Readonly<Record<string, string>>;
    }[];
    readonly template?: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}

const manifests = Array.from(page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm), ([, text = '']) =>
  parseAllDocuments(text).map((it) => it.toJS() as Manifest),
).flat();
const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
const triggers = manifests.flatMap(({ spec }) => spec.triggers ?? []);

/** What the schema of a manifest says of it. Both packages have the schemas that Kubernetes and KEDA publish. */
function problemOf(manifest: Manifest): string | undefined {
  const Model = manifest.kind === 'Deployment' ? Deployment : ScaledObject;
  try {
    new Model(manifest as never).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the manifests in docs/scaling-out.md', () => {
  test.each(manifests.map((it) => [`${it.kind} ${it.metadata.name}`, it] as const))(
    '%s is valid by its schema',
    (_, manifest) => {
      expect(problemOf(manifest)).toBeUndefined();
    },
  );

  test('would be found out if they were wrong', () => {
    const [deployment, scaled] = manifests as [Manifest, Manifest];
    const bad = { ...deployment.spec, selector: undefined };
    expect(problemOf({ ...deployment, spec: bad } as Manifest)).toMatch(/selector/);
    const wrong = { ...scaled.spec, maxReplicaCount: 'many' };
    expect(problemOf({ ...scaled, spec: wrong } as Manifest)).toMatch(/maxReplicaCount/);
  });

  test('scale what they deploy', () => {
    const names = deployments.map(({ metadata }) => metadata.name);
    const scaled = manifests.flatMap(({ spec }) => spec.scaleTargetRef?.name ?? []);
    expect(scaled).toEqual(names);
    expect(names).toHaveLength(2);
  });

  test('start the worker of the example, by variables that it reads, and let its jobs finish', () => {
    const { containers = [], terminationGracePeriodSeconds: grace = 0 } =
      deployments[0]?.spec.template?.spec ?? {};
    const [{ command = [], env = [] } = {}] = containers;
    expect(command[0]).toBe('node');
    expect(existsSync(join(root, command[1] ?? ''))).toBe(true);
    const config = readConfig(Object.fromEntries(env.map(({ name, value }) => [name, value])));
    expect(config).toMatchObject({ redisUrl: 'redis://redis:6379', threads: 2 });
    expect(grace * 1_000).toBeGreaterThan(config.callMillis + 5_000);
    const running = triggers.find(({ metadata }) => metadata.listName?.endsWith(':active'));
    expect(running?.metadata.listLength).toBe(String(config.threads));
  });
});

const needs = hasRedis ? '' : ' (skipped: redis-server is not installed)';
test.skipIf(!hasRedis)(
  `the keys that KEDA counts have the jobs that wait, and those that run${needs}`,
  async () => {
    const { url } = await restartableRedis();
    const connection = { url, maxRetriesPerRequest: null };
    const queue = new Queue(QUEUE, { connection });
    const jobs = Array.from({ length: 7 }, () => ({
      name: 'any',
      data: {},
      opts: { priority: 5 },
    }));
    await queue.addBulk(jobs);
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const worker = new Worker(QUEUE, () => finished, { connection, concurrency: 2 });
    const redis = new Redis(url);
    onTestFinished(async () => {
      finish();
      await worker.close();
      await queue.close();
      redis.disconnect();
    });
    /** KEDA asks by the type of the key. */
    const lengthOf = async (key: string) =>
      (await redis.type(key)) === 'zset' ? redis.zcard(key) : redis.llen(key);
    const keys = triggers.flatMap(({ metadata }) => metadata.listName ?? []);
    expect(keys).toHaveLength(2);
    await expect.poll(() => Promise.all(keys.map(lengthOf))).toEqual([5, 2]);
    await queue.add('any', {});
    await expect.poll(() => lengthOf(`bull:${QUEUE}:wait`)).toBe(1); // as the table says
  },
);

test.skipIf(!hasPrometheus)(
  `the query that KEDA asks Prometheus gives the instances in use, and the acquires that wait${needsPrometheus}`,
  async () => {
    await using endpoint = await openEndpoint();
    await using pool = await createWasmPool(wat('(module)'), { name: 'plugin', max: 2 });
    const held = [await pool.acquire(), await pool.acquire()];
    const waiting = [pool.acquire(), pool.acquire(), pool.acquire()];
    const ask = await startPrometheus(endpoint.address);
    const query = triggers.find(({ type }) => type === 'prometheus')?.metadata.query ?? '';
    const answer = async () => (await ask(query)).map(({ value }) => value[1]);
    await expect.poll(answer).toEqual(['5']);
    for (const instance of held) await pool.release(instance);
    for (const instance of waiting) await pool.release(await instance);
    await expect.poll(answer).toEqual(['0']);
  },
);
