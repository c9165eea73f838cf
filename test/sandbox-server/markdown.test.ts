import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { bundleRenderer, document } from './markdown.js';
import { openServer, run, statsOf } from './server.js';

const hash = (text: unknown) => createHash('sha256').update(String(text)).digest('hex');

test('64 requests at once have markdown-it render a document, as it does in Node', async () => {
  const code = await bundleRenderer();
  const input = await document();
  expect(input.length).toBeGreaterThan(200_000);
  const inNode: unknown = runInNewContext(code, { input });
  expect(inNode).toMatch(/<h2>.*<code class="language-js">/s);

  const patience = { CPU_MILLIS: '600000', DEADLINE_MILLIS: '600000', WAIT_MILLIS: '600000' };
  await using server = await openServer({ MAX: '4', ...patience });
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => run(server.address, code, { input })),
  );
  expect(new Set(answers.map((it) => it.body.error?.message))).toEqual(new Set([undefined]));
  expect(new Set(answers.map((it) => hash(it.body.result)))).toEqual(new Set([hash(inNode)]));
  const stats = await statsOf(server.address);
  expect(stats.acquired).toBe(64);
  expect(stats.size).toBeLessThanOrEqual(4);
});
