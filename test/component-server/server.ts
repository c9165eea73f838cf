import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createApp } from '../../examples/component-server/dist/app.js';
import { readConfig } from '../../examples/component-server/dist/config.js';

export type Preview = 'preview2' | 'preview3';

export const guestPath = (preview: Preview): string =>
  fileURLToPath(new URL(`../../examples/component-server/guest/${preview}.wasm`, import.meta.url));

/** A server of a guest that listens in this process, with four instances unless `env` says else. */
export async function openServer(preview: Preview, env: Record<string, string> = {}) {
  const given = { INSTANCES: '4', PORT: '0', ...env };
  const app = await createApp(readConfig([guestPath(preview)], given));
  const address = await app.listen();
  onTestFinished(() => app.close());
  return { address, pool: app.pool, close: () => app.close() };
}

export interface Answer {
  status: number;
  body: string;
}

export async function get(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text() };
}

/** The code of an answer that is no component's. */
export function codeOf({ body }: Answer): string {
  return JSON.parse(body).error.code;
}

/** What a guest may call: the environment that tells it where, and that it may. */
export async function openUpstream(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { NETWORK: '1', GUEST_UPSTREAM: `127.0.0.1:${port}` };
}

/** Polls until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
