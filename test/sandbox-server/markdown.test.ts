import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { long } from '../helpers/long.js';
import { bundleRenderer, document } from './markdown.js';
import { openServer, run, statsOf } from './server.js';

const hash = (text: unknown) => createHash('sha256').update(String(text)).digest('hex');

const REQUESTS = long ? 64 : 3;

test(`${REQUESTS} requests at once have markdown-it render a document, as it does in Node`, async () => {
  const code = await bundleRenderer();
  const input = await document();
  expect(input.length).toBeGreaterThan(200_000);
  const inNode: unknown = runInNewContext(code, { input });
  expect(inNode).toMatch(/<h2>.*<code class="language-js">/s);

  await using server = await openServer({ MAX: long ? '4' : '2' });
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, () => run(server.address, code, { input })),
  );
  expect(new Set(answers.map((it) => it.body.error?.message))).toEqual(new Set([undefined]));
  expect(new Set(answers.map((it) => hash(it.body.result)))).toEqual(new Set([hash(inNode)]));
  const stats = await statsOf(server.address);
  expect(stats.acquired).toBe(REQUESTS);
  expect(stats.size).toBeLessThanOrEqual(long ? 4 : 2);
});
