import { whileConnected } from '@wasm-pool/core/service';
import { WasmError } from '@wasm-pool/wasm-adapter';
import { createServer, type Refusal, refuse } from 'example-shared';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from './config.js';
import { Gallery } from './gallery.js';
import { ImageError } from './image-error.js';
import { type Measurement, measure } from './measurement.js';
import { photos } from './photos.js';
import { FORMATS, SIZES, type Thumbnail, type Wanted } from './thumbnail.js';
import { openThumbnailer } from './thumbnailer.js';
import { readWanted } from './wanted.js';

const TYPES = ['image/jpeg', 'image/png', 'image/webp'];

type Query = Record<string, unknown>;

/** The server, not listening yet. Closing it lets the thumbnails under way finish. */
export async function createApp(config: Config): Promise<FastifyInstance> {
  const thumbnailer = await openThumbnailer(config);
  const { pool, thumbnail } = thumbnailer;
  const gallery = new Gallery(thumbnailer);
  const app = createServer({
    page: new URL('../page/index.html', import.meta.url),
    pools: [pool],
    bodyBytes: config.bodyBytes,
    types: TYPES,
    cacheControl: 'no-cache',
    explain: (error) => explain(error, config),
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, async (_: unknown, body: Buffer) => body);
  // Both wait for what is under way: the pool, which lends no more, and behind it the connections.
  app.addHook('preClose', () => pool.close());

  app.get('/photos', () => ({
    sizes: SIZES,
    formats: FORMATS,
    photos: photos.map(({ bytes, ...photo }) => ({ ...photo, bytes: bytes.length })),
  }));
  app.get<{ Params: { id: string }; Querystring: Query }>('/photos/:id', async (request, reply) => {
    const photo = photos.find((it) => it.id === request.params.id);
    if (photo === undefined) return reply.callNotFound();
    const wanted = readWanted(request.query);
    const askedMillis = performance.now();
    const { kept, isNew } = gallery.get(photo, wanted);
    const made = await kept;
    reply.header('etag', made.etag);
    if (includes(request.headers['if-none-match'], made.etag)) return reply.code(304).send();
    return sendThumbnail(reply, made, wanted, isNew ? askedMillis : undefined);
  });
  app.post<{ Body: Buffer | undefined; Querystring: Query }>(
    '/thumbnails',
    async (request, reply) => {
      const wanted = readWanted(request.query);
      if (!request.body?.length) {
        return refuse(reply, 400, 'ERR_REQUEST', 'there is no image in the body');
      }
      const askedMillis = performance.now();
      const made = await thumbnail(request.body, wanted, whileConnected(reply.raw));
      return sendThumbnail(reply, made, wanted, askedMillis);
    },
  );

  let measuring: Promise<Measurement> | undefined;
  app.post('/measure', async () => {
    measuring ??= measure(thumbnailer, config.measured).finally(() => {
      measuring = undefined;
    });
    return measuring;
  });
  app.get('/stats', () => pool.stats());
  return app;
}

function includes(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((it) => it.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** With what it took since it was asked for, unless it was made before. */
function sendThumbnail(
  reply: FastifyReply,
  { bytes, madeBy, ranMillis }: Thumbnail,
  { format }: Wanted,
  askedMillis: number | undefined,
): FastifyReply {
  if (askedMillis !== undefined) {
    const waitedMillis = performance.now() - askedMillis - ranMillis;
    const times = `wait;dur=${waitedMillis.toFixed(1)}, run;dur=${ranMillis.toFixed(1)};desc="${madeBy}"`;
    reply.header('server-timing', times);
  }
  return reply.type(`image/${format}`).send(bytes);
}

/** What the image is to blame for. */
function explain(error: Error, { callMillis }: Config): Refusal | undefined {
  if (error instanceof ImageError) {
    const { code, message } = error;
    const status = { ERR_IMAGE_TYPE: 415, ERR_IMAGE_PIXELS: 413, ERR_IMAGE_BROKEN: 422 }[code];
    return { status, code, message };
  }
  if (error instanceof WasmError && error.code === 'ERR_WASM_CALL_TIMEOUT') {
    const message = `the image took longer than ${callMillis} ms`;
    return { status: 422, code: 'ERR_IMAGE_SLOW', message };
  }
  if (error instanceof WebAssembly.RuntimeError) {
    const message = `the codec crashed: ${error.message}`;
    return { status: 422, code: 'ERR_IMAGE_CRASHED', message };
  }
  return undefined;
}
