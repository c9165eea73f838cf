import { createApp } from '../../examples/thumbnails/dist/app.js';
import { readConfig } from '../../examples/thumbnails/dist/config.js';
import { photos } from '../../examples/thumbnails/dist/photos.js';

export interface Stats {
  size: number;
  available: number;
  borrowed: number;
  pending: number;
  acquired: number;
  created: number;
  destroyedBy: Record<string, number>;
}

/** Limits that no image of a test meets on however slow a machine. */
export const patient = { CALL_MILLIS: '600000', WAIT_MILLIS: '600000' };

/** A server of thumbnails that listens in this process, with two threads unless `env` says else. */
export async function openServer(env: Record<string, string> = {}) {
  const app = await createApp(readConfig({ THREADS: '2', ...patient, ...env }));
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return { address, close: () => app.close(), [Symbol.asyncDispose]: () => app.close() };
}

export async function statsOf(address: string): Promise<Stats> {
  return (await (await fetch(`${address}/stats`)).json()) as Stats;
}

/** What makes one of our photos: a JPEG file. */
export function photoOf(id: string): Uint8Array<ArrayBuffer> {
  const found = photos.find((it) => it.id === id);
  if (found === undefined) throw new Error(`there is no photo ${id}`);
  return new Uint8Array(found.bytes);
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array<ArrayBuffer>;
  error: { code: string; message: string } | undefined;
}

/** Has a thumbnail made of a file. */
export async function upload(
  address: string,
  file: Uint8Array<ArrayBuffer>,
  options: { query?: string; type?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const { query = '', type = 'image/jpeg', signal = null } = options;
  const response = await fetch(`${address}/thumbnails${query}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: file,
    signal,
  });
  return answerOf(response);
}

export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = headers.get('content-type')?.startsWith('application/json');
  const error = isJson ? JSON.parse(Buffer.from(bytes).toString()).error : undefined;
  return { status, headers, bytes, error };
}

/** Polls until it is so. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}
