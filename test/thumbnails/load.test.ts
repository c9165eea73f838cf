import { expect, test } from 'vitest';
import { photos } from '../../examples/thumbnails/dist/photos.js';
import { madeHere } from './main-thread.js';
import { pngOf } from './png.js';
import { openServer, photoOf, statsOf, until, upload } from './server.js';

/** So large that it takes a thread a good while. */
const large = pngOf(4_000, 4_000);
const asPng = { type: 'image/png' };

test('32 at once are made by two threads, and the event loop of the main thread keeps turning', async () => {
  await using server = await openServer();
  const jobs = Array.from({ length: 32 }, (_, index) => photos[index % photos.length]?.id ?? '');
  const expected = new Map(
    [...new Set(jobs)].map((id) => [id, madeHere(photoOf(id), { size: 320, format: 'webp' })]),
  );

  let turns = 0;
  let done = false;
  const turn = () => {
    turns++;
    if (!done) setImmediate(turn);
  };
  turn();
  let most = 0;
  const watching = until(async () => {
    const { borrowed } = await statsOf(server.address);
    most = Math.max(most, borrowed);
    return done;
  });
  const answers = await Promise.all(jobs.map((id) => upload(server.address, photoOf(id))));
  done = true;
  await watching;

  for (const [index, { status, bytes }] of answers.entries()) {
    expect(status).toBe(200);
    expect(Buffer.from(bytes).equals(expected.get(jobs[index] ?? '') ?? bytes.fill(0))).toBe(true);
  }
  const makers = answers.map((it) => /codec#\d+/.exec(it.headers.get('server-timing') ?? '')?.[0]);
  expect([...new Set(makers)].toSorted()).toEqual(['codec#1', 'codec#2']);
  expect(most).toBe(2);
  // On the main thread there would be a turn or two for each of them, with those of its connection.
  expect(turns).toBeGreaterThan(32 * 20);
  expect(await statsOf(server.address)).toMatchObject({ size: 2, available: 2, pending: 0 });
});

test('more than may wait are told to come back', async () => {
  await using server = await openServer({ THREADS: '1', MAX_WAITING: '1' });
  const { address } = server;
  const running = upload(address, large, asPng);
  await until(async () => (await statsOf(address)).borrowed === 1);
  const waiting = upload(address, photoOf('black-canyon'));
  await until(async () => (await statsOf(address)).pending === 1);

  const { status, headers, error } = await upload(address, photoOf('black-canyon'));
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(error).toEqual({ code: 'ERR_POOL_QUEUE_FULL', message: '1 others wait already' });
  expect([(await running).status, (await waiting).status]).toEqual([200, 200]);
});

test('who waited for too long is told to come back', async () => {
  await using server = await openServer({ THREADS: '1', WAIT_MILLIS: '20' });
  const { address } = server;
  const running = upload(address, large, asPng);
  await until(async () => (await statsOf(address)).borrowed === 1);
  const { status, headers, error } = await upload(address, photoOf('black-canyon'));
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(error).toEqual({
    code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    message: 'nothing was free in time',
  });
  expect((await running).status).toBe(200);
});

test('the work for who hangs up is stopped, and the thread replaced', async () => {
  await using server = await openServer({ THREADS: '1' });
  const { address } = server;
  const client = new AbortController();
  const running = upload(address, large, { ...asPng, signal: client.signal });
  await until(async () => (await statsOf(address)).borrowed === 1);
  const leaving = new AbortController();
  const waiting = upload(address, photoOf('black-canyon'), { signal: leaving.signal });
  await until(async () => (await statsOf(address)).pending === 1);

  leaving.abort();
  await expect(waiting).rejects.toThrow('aborted');
  await until(async () => (await statsOf(address)).pending === 0);
  client.abort();
  await expect(running).rejects.toThrow('aborted');
  await until(async () => (await statsOf(address)).destroyedBy.aborted === 1);
  expect((await upload(address, photoOf('black-canyon'))).status).toBe(200);
  expect((await statsOf(address)).acquired).toBe(2);
});
