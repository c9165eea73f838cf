import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../examples/thumbnails/dist/config.js';
import { openThumbnailer } from '../../examples/thumbnails/dist/thumbnailer.js';
import { pngOf } from './png.js';
import { answerOf, openServer, photoOf, statsOf, until, upload } from './server.js';

const JPEG = 'image/jpeg';
const PNG = 'image/png';
const photo = photoOf('black-canyon');

/** A file of a few bytes that says it has 900 million pixels. */
const bomb = pngOf(30_000, 30_000, new Uint8Array(1));

/** The same as a JPEG, with a fill byte before its frame, and what other parsers take for a frame behind. */
const filled = Uint8Array.of(
  ...[0xff, 0xd8, 0xff, 0xff, 0xc0, 0, 11, 8, 0x75, 0x30, 0x75, 0x30, 1, 1, 0x11, 0],
  ...[0xff, 0xc0, 0, 11, 8, 0, 100, 0, 100, 1, 1, 0x11, 0],
  ...new Uint8Array(100),
);

describe('a server', () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  beforeAll(async () => {
    server = await openServer({ BODY_MIB: '1' });
  });
  afterAll(() => server.close());

  afterEach(async () => {
    expect((await upload(server.address, photo)).status).toBe(200);
    expect(await statsOf(server.address)).toMatchObject({
      size: 2,
      available: 2,
      pending: 0,
      created: 2,
      destroyedBy: {},
    });
  });

  const text = new TextEncoder().encode('no image at all');
  test.each([
    ['text', text, JPEG, 415, 'ERR_IMAGE_TYPE', 'this is no image; accepted: JPEG, PNG, WebP'],
    ['one byte', photo.slice(0, 1), JPEG, 415, 'ERR_IMAGE_TYPE', /accepted/],
    [
      'an SVG, which could ask for any size,',
      new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      PNG,
      415,
      'ERR_IMAGE_TYPE',
      /accepted/,
    ],
    ['a photo cut off', photo.slice(0, 100_000), JPEG, 422, 'ERR_IMAGE_BROKEN', /be decoded/],
    ['no more than its start', photo.slice(0, 100), JPEG, 422, 'ERR_IMAGE_BROKEN', /how large/],
    ['a PNG without pixels', pngOf(9, 9).slice(0, 33), PNG, 422, 'ERR_IMAGE_BROKEN', /be decoded/],
    ['a PNG of no width', pngOf(0, 9), PNG, 422, 'ERR_IMAGE_BROKEN', /be decoded/],
    [
      'a decompression bomb',
      bomb,
      PNG,
      413,
      'ERR_IMAGE_PIXELS',
      'the image has 30000 × 30000 pixels; accepted: 40000000 in all',
    ],
    [
      'one that hides its size from parsers less strict than codecs',
      filled,
      JPEG,
      413,
      'ERR_IMAGE_PIXELS',
      'the image has 30000 × 30000 pixels; accepted: 40000000 in all',
    ],
    [
      'more bytes than may be',
      new Uint8Array(2 ** 20 + 1),
      JPEG,
      413,
      'ERR_REQUEST_SIZE',
      'the body is larger than 1048576 bytes',
    ],
    [
      'another content type',
      photo,
      'image/tiff',
      415,
      'ERR_REQUEST_TYPE',
      'the content type is "image/tiff"; accepted: image/jpeg, image/png, image/webp',
    ],
    ['nothing', new Uint8Array(), JPEG, 400, 'ERR_REQUEST', 'there is no image in the body'],
  ] as const)('refuses %s', async (_, file, type, status, code, message) => {
    const answer = await upload(server.address, new Uint8Array(file), { type });
    expect([answer.status, answer.error?.code]).toEqual([status, code]);
    if (typeof message === 'string') expect(answer.error?.message).toBe(message);
    else expect(answer.error?.message).toMatch(message);
  });

  test.each([
    ['size=0', 'size is "0"; accepted: 160, 320, 640'],
    ['size=100000', 'size is "100000"; accepted: 160, 320, 640'],
    ['size=160&size=320', 'size is ["160","320"]; accepted: 160, 320, 640'],
    ['format=gif', 'format is "gif"; accepted: webp, jpeg, avif'],
  ])('refuses ?%s', async (query, message) => {
    const expected = { status: 400, error: { code: 'ERR_REQUEST', message } };
    expect(await upload(server.address, photo, { query: `?${query}` })).toMatchObject(expected);
    const got = await fetch(`${server.address}/photos/black-canyon?${query}`);
    expect(await answerOf(got)).toMatchObject(expected);
  });

  test.each(['/photos/none', '/photos/..%2f..%2fpackage.json', '/nothing'])(
    'has no %s',
    async (path) => {
      const answer = await answerOf(await fetch(`${server.address}${path}`));
      expect([answer.status, answer.error?.code]).toEqual([404, 'ERR_NOT_FOUND']);
    },
  );

  test('stays whole when the bytes of a photo are changed at random', async () => {
    const files = Array.from({ length: 24 }, (_, seed) => {
      const file = new Uint8Array(photo);
      for (let count = 0; count < 20; count++) {
        file[(seed * 7_919 + count * 15_485_863) % file.length] = (seed * 31 + count * 97) % 256;
      }
      return file;
    });
    const answers = await Promise.all(files.map((file) => upload(server.address, file)));
    const statuses = new Set(answers.map((it) => it.status));
    expect([200, 413, 415, 422]).toEqual(expect.arrayContaining([...statuses]));
  });
});

test('an image that takes too long is stopped, and its thread replaced', async () => {
  await using server = await openServer({ THREADS: '1', CALL_MILLIS: '1' });
  const { status, error } = await upload(server.address, photo, { query: '?format=avif' });
  expect([status, error]).toEqual([
    422,
    { code: 'ERR_IMAGE_SLOW', message: 'the image took longer than 1 ms' },
  ]);
  await until(async () => (await statsOf(server.address)).available === 1);
  expect(await statsOf(server.address)).toMatchObject({
    size: 1,
    pending: 0,
    created: 2,
    destroyedBy: { timeout: 1 },
  });
});

test('an instance that an image has made grow is replaced', async () => {
  await using server = await openServer({ THREADS: '1', MEMORY_MIB: '32' });
  const large = await upload(server.address, pngOf(4_000, 4_000), { type: PNG });
  expect(large.status).toBe(200);
  expect((await upload(server.address, photo)).headers.get('server-timing')).toContain('codec#2');
  expect(await statsOf(server.address)).toMatchObject({ size: 1, destroyedBy: { memory: 1 } });
});

test('an instance that the codec threw in is replaced', async () => {
  const { pool, thumbnail } = await openThumbnailer(readConfig({ THREADS: '1' }));
  await using _ = pool;
  await expect(pool.call('load_image', [undefined, photo])).rejects.toThrow();
  expect((await thumbnail(photo, { size: 160, format: 'webp' })).madeBy).toBe('codec#2');
  expect(pool.stats()).toMatchObject({ size: 1, destroyedBy: { threw: 1 } });
});
