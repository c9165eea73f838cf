import { readFileSync } from 'node:fs';
import { PoolError } from '@wasm-pool/core';
import { WasmError } from '@wasm-pool/wasm-adapter';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Config } from './config.js';
import { Gallery } from './gallery.js';
import { ImageError } from './image-error.js';
import { type Measurement, measure } from './measurement.js';
import { photos } from './photos.js';
import { FORMATS, SIZES, type Thumbnail, type Wanted } from './thumbnail.js';
import { openThumbnailer } from './thumbnailer.js';
import { readWanted } from './wanted.js';

const TYPES = ['image/jpeg', 'image/png', 'image/webp'];

const page = readFileSync(new URL('../page/index.html', import.meta.url));
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Query = Record<string, unknown>;

/** The server, not listening yet. Closing it lets the thumbnails under way finish. */
export async function createApp(config: Config): Promise<FastifyInstance> {
  const thumbnailer = await openThumbnailer(config);
  const { pool, thumbnail } = thumbnailer;
  const gallery = new Gallery(thumbnailer);
  const app = fastify({ bodyLimit: config.bodyBytes, requestTimeout: 30_000 });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, async (_: unknown, body: Buffer) => body);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-cache');
  });
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
      const made = await thumbnail(request.body, wanted, whileConnected(reply));
      return sendThumbnail(reply, made, wanted, askedMillis);
    },
  );

  let measuring: Promise<Measurement> | undefined;
  app.post('/measure', async () => {
    measuring ??= measure(thumbnailer).finally(() => {
      measuring = undefined;
    });
    return measuring;
  });
  app.get('/stats', () => pool.stats());
  app.get('/healthz', () => ({ ok: true }));
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  );

  app.setNotFoundHandler((request, reply) =>
    refuse(reply, 404, 'ERR_NOT_FOUND', `there is no ${request.method} ${request.url}`),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(reply, error, config));
  return app;
}

/** Aborted when the client is gone before it had an answer. */
function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
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

function sendError(reply: FastifyReply, error: FastifyError, config: Config): unknown {
  if (error instanceof ImageError) {
    const status = { ERR_IMAGE_TYPE: 415, ERR_IMAGE_PIXELS: 413, ERR_IMAGE_BROKEN: 422 };
    return refuse(reply, status[error.code], error.code, error.message);
  }
  if (error instanceof WasmError && error.code === 'ERR_WASM_CALL_TIMEOUT') {
    const message = `the image took longer than ${config.callMillis} ms`;
    return refuse(reply, 422, 'ERR_IMAGE_SLOW', message);
  }
  if (error instanceof WebAssembly.RuntimeError) {
    return refuse(reply, 422, 'ERR_IMAGE_CRASHED', `the codec crashed: ${error.message}`);
  }
  if (error instanceof PoolError) {
    switch (error.code) {
      case 'ERR_POOL_QUEUE_FULL':
        return retryLater(reply, error.code, `${config.maxWaiting} others wait already`);
      case 'ERR_POOL_ACQUIRE_TIMEOUT':
        return retryLater(reply, error.code, `no thread was free for ${config.waitMillis} ms`);
      case 'ERR_POOL_CLOSED':
        return retryLater(reply, error.code, 'the server is shutting down');
    }
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const message = `the image is larger than ${config.bodyBytes} bytes`;
      return refuse(reply, 413, 'ERR_REQUEST_SIZE', message);
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const given = JSON.stringify(reply.request.headers['content-type'] ?? '');
      const message = `the content type is ${given}; accepted: ${TYPES.join(', ')}`;
      return refuse(reply, 415, 'ERR_REQUEST_TYPE', message);
    }
  }
  const { statusCode = 500 } = error;
  if (statusCode < 500) return refuse(reply, statusCode, 'ERR_REQUEST', error.message);
  if (error.name === 'AbortError') return refuse(reply, 499, 'ERR_REQUEST', 'the client is gone');
  console.error(error);
  return refuse(reply, 500, 'ERR_INTERNAL', 'something went wrong on our side');
}

function retryLater(reply: FastifyReply, code: string, message: string): FastifyReply {
  return refuse(reply.header('retry-after', '1'), 503, code, message);
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}
