import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { photos } from '../../examples/thumbnails/dist/photos.js';
import { FORMATS, SIZES } from '../../examples/thumbnails/dist/thumbnail.js';
import { distance, madeHere, meansOf, pixelsOf } from './main-thread.js';
import { pngOf } from './png.js';
import { answerOf, openServer, photoOf, statsOf, upload } from './server.js';

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const get = async (path: string, headers: Record<string, string> = {}) =>
  answerOf(await fetch(`${server.address}${path}`, { headers }));

const magic = {
  webp: /^RIFF....WEBP/s,
  jpeg: /^\xff\xd8\xff/,
  avif: /^....ftypavif/s,
};

/** The photo, with an Exif entry that says how the camera was held. */
function turned(jpeg: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  const exif = Buffer.from(
    `ffe1002245786966${'0000'}4d4d002a0000000800010112000300000001000${orientation}000000000000`,
    'hex',
  );
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]));
}

test('the list names what there is', async () => {
  const list = await (await fetch(`${server.address}/photos`)).json();
  expect(list.sizes).toEqual(SIZES);
  expect(list.formats).toEqual(FORMATS);
  expect(list.photos).toHaveLength(9);
  expect(list.photos[0]).toEqual({
    id: 'black-canyon',
    title: 'Black Cañon, Colorado River',
    by: 'Timothy H. O’Sullivan',
    year: '1871',
    bytes: photoOf('black-canyon').length,
  });
});

describe.each(photos.map(({ id }) => id))('the photo %s', (id) => {
  test.each(SIZES)('in %i pixels is what the codec makes on the main thread', async (size) => {
    const { status, headers, bytes } = await get(`/photos/${id}?size=${size}`);
    expect([status, headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(Buffer.from(bytes).equals(madeHere(photoOf(id), { size, format: 'webp' }))).toBe(true);
    const { width, height } = pixelsOf(bytes);
    expect(Math.max(width, height)).toBe(size);
  });

  test('looks like the photo scaled down in the plainest way', async () => {
    const small = pixelsOf((await get(`/photos/${id}?size=160`)).bytes);
    const photo = pixelsOf(photoOf(id));
    const expected = meansOf(photo, small);
    expect(distance(small.rgba, expected)).toBeLessThan(8);
    expect(distance(small.rgba, expected.toReversed())).toBeGreaterThan(10); // what is no match
  });
});

test.each(FORMATS)('the format can be %s', async (format) => {
  const { headers, bytes } = await get(`/photos/dust-bowl-home?size=160&format=${format}`);
  expect(headers.get('content-type')).toBe(`image/${format}`);
  expect(Buffer.from(bytes).toString('latin1', 0, 12)).toMatch(magic[format]);
  const small = pixelsOf(bytes);
  const expected = meansOf(pixelsOf(photoOf('dust-bowl-home')), small);
  expect(distance(small.rgba, expected)).toBeLessThan(8);
});

test('what the browser has already is not sent again', async () => {
  const path = '/photos/nagasaki-boats?size=160&format=jpeg';
  const first = await get(path);
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[\w-]{43}"$/);
  expect(first.headers.get('cache-control')).toBe('no-cache');
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get(path, { 'if-none-match': known });
    expect([again.status, again.bytes.length, again.headers.get('etag')]).toEqual([304, 0, etag]);
  }
  const other = await get(path, { 'if-none-match': '"other"' });
  expect([other.status, other.bytes]).toEqual([200, first.bytes]);
  const larger = await get('/photos/nagasaki-boats?size=320&format=jpeg');
  expect(larger.headers.get('etag')).not.toBe(etag);
});

test('a thumbnail is made once, however many ask for it meanwhile', async () => {
  const { acquired } = await statsOf(server.address);
  const path = '/photos/acanthus-mollis?size=640&format=avif';
  const answers = await Promise.all(Array.from({ length: 8 }, () => get(path)));
  expect(new Set(answers.map((it) => it.headers.get('etag'))).size).toBe(1);
  expect((await statsOf(server.address)).acquired).toBe(acquired + 1);
  const took = answers.map((it) => it.headers.get('server-timing')).filter((it) => it !== null);
  expect(took).toEqual([
    expect.stringMatching(/^wait;dur=[\d.]+, run;dur=[\d.]+;desc="codec#\d"$/),
  ]);
});

describe('an upload', () => {
  test.each([
    ['JPEG', 'image/jpeg', (file: Uint8Array<ArrayBuffer>) => file],
    ['WebP', 'image/webp', (file: Uint8Array) => madeHere(file, { size: 640, format: 'webp' })],
    ['PNG', 'image/png', () => pngOf(1000, 500)],
  ] as const)('can be %s', async (_, type, fileOf) => {
    const file = new Uint8Array(fileOf(photoOf('march-pastoral')));
    const { status, bytes } = await upload(server.address, file, { type, query: '?size=160' });
    expect(status).toBe(200);
    expect(Buffer.from(bytes).equals(madeHere(file, { size: 160, format: 'webp' }))).toBe(true);
    expect(pixelsOf(bytes).width).toBe(160);
  });

  test.each([
    [3, 160, 117],
    [6, 117, 160],
    [8, 117, 160],
  ])('is turned as its orientation %i says', async (orientation, width, height) => {
    const query = '?size=160';
    const straight = await upload(server.address, photoOf('black-canyon'), { query });
    const file = turned(photoOf('black-canyon'), orientation);
    const { bytes } = await upload(server.address, file, { query });
    const pixels = pixelsOf(bytes);
    expect([pixels.width, pixels.height]).toEqual([width, height]);
    expect(distance(pixels.rgba, pixelsOf(straight.bytes).rgba)).toBeGreaterThan(5);
  });

  test('that is smaller than the thumbnail keeps its size', async () => {
    const { bytes } = await upload(server.address, pngOf(30, 20), { type: 'image/png' });
    const { width, height } = pixelsOf(bytes);
    expect([width, height]).toEqual([30, 20]);
  });

  test('that is all but a line becomes one', async () => {
    const { bytes } = await upload(server.address, pngOf(9_000, 2), { type: 'image/png' });
    const { width, height } = pixelsOf(bytes);
    expect([width, height]).toEqual([320, 1]);
  });
});
