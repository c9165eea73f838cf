import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  createHttpComponent,
  type HttpComponent,
  type HttpComponentOptions,
} from '@wasm-pool/wasm-adapter/http';
import { onTestFinished } from 'vitest';

/** The guests in C of examples/component-server, which answer the same on both previews. */
export const guestPath = (preview: number): string =>
  fileURLToPath(
    new URL(`../../examples/component-server/guest/preview${preview}.wasm`, import.meta.url),
  );

export async function open(
  preview: number,
  options: HttpComponentOptions = {},
): Promise<HttpComponent> {
  const app = await createHttpComponent(guestPath(preview), { max: 2, ...options });
  onTestFinished(() => app.close({ timeoutMillis: 1000 }));
  return app;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export async function ask(app: HttpComponent, path: string, init?: RequestInit): Promise<Answer> {
  const response = await app.fetch(new Request(`http://test.example${path}`, init));
  return { status: response.status, body: await response.text() };
}

/** A server of `node:http`; gives its authority. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** A stream of so many chunks, made as they are read. */
export function streamOf(chunks: number, chunkBytes: number): ReadableStream<Uint8Array> {
  let made = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (made === chunks) return controller.close();
        controller.enqueue(new Uint8Array(chunkBytes).fill(++made));
      },
    },
    { highWaterMark: 0 },
  );
}

/** What TypeScript's DOM library lacks of a request with a stream for a body. */
export function post(body: ReadableStream<Uint8Array>, signal?: AbortSignal): RequestInit {
  return { method: 'POST', body, duplex: 'half', signal } as RequestInit;
}
