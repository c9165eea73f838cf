// Tasks that use what a pool gives to its threads. Runs in them, as Node.js runs TypeScript.
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import type { TaskInstance } from '@wasm-pool/wasm-adapter';
import type { Guest } from '../guest.js';

type Instance = TaskInstance<Guest>;

const begin = (words: Int32Array) => {
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
};

/** Blocks its thread until it is asked to stop. */
export const computeUntilAborted = ({ signal }: Instance, words: Int32Array) => {
  begin(words);
  while (!signal.aborted);
  Atomics.add(words, 1, 1);
  return 'stopped';
};
/** Waits until it is asked to stop. */
export const waitUntilAborted = async ({ signal }: Instance, words: Int32Array) => {
  begin(words);
  await sleep(2 ** 30, undefined, { signal }).catch(() => {});
  Atomics.store(words, 1, signal.reason.name === 'TimeoutError' ? 2 : 1);
};
/** Looks at its signal, and goes on. */
export const ignoreSignal = ({ signal }: Instance, words: Int32Array) => {
  if (!signal.aborted) begin(words);
  for (;;);
};
export const isAborted = ({ signal }: Instance) => signal.aborted;

export const askHost = ({ hosts }: Instance, name: string, ...args: unknown[]) =>
  hosts[name]?.(...args);
export const askHostLater = ({ hostsLater }: Instance, name: string, ...args: unknown[]) =>
  hostsLater[name]?.(...args);
export const askManyTimes = ({ hostsLater }: Instance, name: string, times: number) =>
  Promise.all(Array.from({ length: times }, (_, index) => hostsLater[name]?.(index)));
export const nap = async (_: Instance, millis: number) => void (await sleep(millis));

export const say = (_: Instance, ...lines: string[]) => {
  for (const line of lines) console.log(line);
};
export const complain = (_: Instance, line: string) => console.error(line);
export const sayAndSpin = (_: Instance, line: string) => {
  console.log(line);
  for (;;);
};
export const sayMuch = (_: Instance, lines: number) => {
  const line = 'x'.repeat(1023);
  for (let left = lines; left > 0; left--) console.log(line);
  return lines;
};

export const environment = () => ({
  home: process.env.SOME_HOME,
  argv: process.argv.slice(2),
  execArgv: process.execArgv,
  workerData,
});

let ended: Int32Array | undefined;
export const endWith = (_: Instance, words: Int32Array) => {
  ended = words;
};
export const onThreadEnd = async () => {
  await sleep(1);
  if (ended !== undefined) begin(ended);
};
