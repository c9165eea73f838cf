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

/** Limits that no script of a test meets on however slow a machine. */
const patient = { CPU_MILLIS: '600000', DEADLINE_MILLIS: '600000', WAIT_MILLIS: '600000' };

/** A sandbox server that listens in this process, with time for everything unless `env` limits it. */
export async function openServer(env: Record<string, string> = {}) {
  const app = await createApp(readConfig({ ...patient, ...env }));
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

/** Runs a script where time is short, again for as long as the machine is too slow for it. */
export async function runInTime(address: string, code: string): Promise<Answer> {
  const answer = await run(address, code);
  const { code: error } = answer.body.error ?? {};
  const isLate = error === 'ERR_SCRIPT_CPU' || error === 'ERR_SCRIPT_DEADLINE';
  return isLate ? runInTime(address, code) : answer;
}

export async function statsOf(address: string): Promise<Stats> {
  return (await (await fetch(`${address}/stats`)).json()) as Stats;
}

/**
 * Begins a script that sleeps and then gives `'finished'`, and a request that waits behind it in a
 * server of one instance. The script sleeps longer where the machine is too slow to see both.
 */
export async function runningAndWaiting(
  address: string,
  millis = 1000,
): Promise<{ running: Promise<Answer>; waiting: Promise<Answer> }> {
  let isOver = false;
  const running = run(address, `sleep(${millis}).then(() => "finished")`).finally(() => {
    isOver = true;
  });
  await until(async () => isOver || (await statsOf(address)).borrowed === 1);
  const waiting = run(address, '1');
  await until(async () => isOver || (await statsOf(address)).pending === 1);
  if (!isOver) return { running, waiting };
  await Promise.all([running, waiting]);
  return runningAndWaiting(address, millis * 4);
}

/** Polls until it is so. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}
