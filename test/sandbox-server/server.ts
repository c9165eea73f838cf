import { createApp } from '../../examples/sandbox-server/dist/app.js';
import { readConfig } from '../../examples/sandbox-server/dist/config.js';

export interface Answer {
  status: number;
  headers: Headers;
  body: {
    result?: unknown;
    error?: {
      code: string;
      message: string;
      thrown?: { name: string; message: string; stack: string };
    };
    console?: { level: string; text: string }[];
    instance?: string;
    waitedMillis?: number;
    ranMillis?: number;
  };
}

export interface Stats {
  size: number;
  available: number;
  borrowed: number;
  pending: number;
  acquired: number;
  created: number;
  destroyedBy: Record<string, number>;
}

/** A sandbox server that listens in this process. */
export async function openServer(env: Record<string, string> = {}) {
  const app = await createApp(readConfig(env));
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return { address, close: () => app.close(), [Symbol.asyncDispose]: () => app.close() };
}

export async function answerOf(response: Response): Promise<Answer> {
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, headers: response.headers, body };
}

/** Sends a script, as text or, with an input, as JSON. */
export async function run(
  address: string,
  code: string,
  options: { input?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
  const asJson = 'input' in options;
  const response = await fetch(`${address}/run`, {
    method: 'POST',
    headers: { 'content-type': asJson ? 'application/json' : 'text/plain' },
    body: asJson ? JSON.stringify({ code, input: options.input }) : code,
    signal: options.signal ?? null,
  });
  return answerOf(response);
}

export async function statsOf(address: string): Promise<Stats> {
  return (await (await fetch(`${address}/stats`)).json()) as Stats;
}

/** Polls until it is so. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}
