import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { get, openServer, openUpstream } from './server.js';

/** By a sieve, where the guests divide. */
function primesBelow(limit: number): number {
  const composite = new Uint8Array(limit);
  let count = 0;
  for (let number = 2; number < limit; number++) {
    if (composite[number]) continue;
    count++;
    for (let multiple = number * number; multiple < limit; multiple += number) {
      composite[multiple] = 1;
    }
  }
  return count;
}

describe.each(['preview2', 'preview3'] as const)('a component of %s', (preview) => {
  test('answers with its own status, headers and body', async () => {
    const { address } = await openServer(preview);
    const response = await fetch(`${address}/nowhere`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('nothing there\n');
  });

  test('gives 64 requests at once each its own answer, one at a time on an instance', async () => {
    const { address, pool } = await openServer(preview);
    const limits = Array.from({ length: 64 }, (_, index) => 100 + index * 37);
    const answers = await Promise.all(
      limits.map((limit) => get(`${address}/primes?below=${limit}`)),
    );
    expect(answers).toEqual(
      limits.map((limit) => ({ status: 200, body: String(primesBelow(limit)) })),
    );
    await expect.poll(() => pool.stats().borrowed).toBe(0); // an answer is there before its loan is over
    expect(pool.stats().size).toBeLessThanOrEqual(4);
  });

  test('reads what it is sent, and a body comes back byte by byte', async () => {
    const { address } = await openServer(preview);
    const bytes = new Uint8Array(3 * 2 ** 20 + 7).map((_, index) => (index * 31) % 251);
    const bodies = [bytes, bytes.subarray(0, 5), bytes.subarray(0, 0)];
    for (const body of bodies) {
      const response = await fetch(`${address}/echo`, { method: 'POST', body });
      expect(response.status).toBe(200);
      expect(Buffer.compare(new Uint8Array(await response.arrayBuffer()), body)).toBe(0);
    }
  });

  test('reads a body that comes in pieces', async () => {
    const { address } = await openServer(preview);
    const asked = request(`${address}/echo`, { method: 'POST' });
    const answer = new Promise<string>((resolve) => {
      asked.on('response', (response) => resolve(text(response)));
    });
    asked.write('one, ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    asked.write('two, ');
    asked.end('three');
    expect(await answer).toBe('one, two, three');
  });

  test('answers HEAD without a body', async () => {
    const { address } = await openServer(preview);
    const response = await fetch(`${address}/nowhere`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([404, '']);
    expect(await get(`${address}/`)).toMatchObject({ status: 200 });
  });

  test('calls others where it may, and its requests overlap while it waits', async () => {
    let waiting: (() => void)[] = [];
    const upstream = await openUpstream((_, response) => {
      waiting.push(() => response.end('from upstream'));
      if (waiting.length < 4) return;
      for (const answer of waiting) answer(); // not before all four instances wait
      waiting = [];
    });
    const { address } = await openServer(preview, upstream);
    const answers = Array.from({ length: 8 }, () => get(`${address}/upstream`));
    const expected = { status: 200, body: 'from upstream' };
    expect(await Promise.all(answers)).toEqual(Array(8).fill(expected));
  });

  test('calls nobody where nobody allowed it', async () => {
    let calls = 0;
    const { GUEST_UPSTREAM } = await openUpstream((_, response) => {
      calls++;
      response.end();
    });
    const { address } = await openServer(preview, { GUEST_UPSTREAM, NETWORK: '' });
    expect(await get(`${address}/upstream`)).toMatchObject({ status: 502 });
    expect(calls).toBe(0);
  });

  test('that is sent no valid authority says so itself', async () => {
    const { address } = await openServer(preview, { NETWORK: '1', GUEST_UPSTREAM: 'not one' });
    expect(await get(`${address}/upstream`)).toEqual({
      status: 500,
      body: 'UPSTREAM is no authority\n',
    });
  });
});

test('hears of a part of the body before the rest is sent (preview 3)', async () => {
  const { address } = await openServer('preview3');
  const asked = request(`${address}/echo`, { method: 'POST' });
  const begun = new Promise<string>((resolve) => {
    asked.on('response', (response) => response.once('data', (chunk) => resolve(String(chunk))));
  });
  asked.write('one');
  expect(await begun).toBe('one');
  asked.end();
});
