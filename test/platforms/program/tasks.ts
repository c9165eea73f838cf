// What runs on the threads of the program's pools.
import type { TaskInstance } from '@wasm-pool/wasm-adapter';

interface Counter {
  add(a: number, b: number): number;
  next(): number;
  spin(): void;
}

type Hosts = {
  double(value: number): number;
  greet(who: { name: string }): Promise<{ greeting: string; bytes: Uint8Array }>;
  refuse(): never;
};

type Instance = TaskInstance<Counter, unknown, Hosts>;

export const next = ({ exports }: Instance): number => exports.next();

export const three = ({ exports }: Instance): number => exports.add(1, 2);

export const spin = ({ exports }: Instance): void => exports.spin();

export async function waitFor({ signal }: Instance): Promise<string> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return 'stopped';
}

export const double = ({ hosts }: Instance, value: number): number => hosts.double(value);

export const greet = ({ hosts }: Instance, name: string) => hosts.greet({ name });

export function refused({ hosts }: Instance): string {
  try {
    return String(hosts.refuse());
  } catch (error) {
    return String(error);
  }
}

export const doubleLater = ({ hostsLater }: Instance, value: number): Promise<number> =>
  hostsLater.double(value);

export function print(_instance: Instance, text: string): void {
  console.log(text);
}

export const sum = (_instance: Instance, bytes: Uint8Array): number =>
  bytes.reduce((total, byte) => total + byte, 0);

export function fail(_instance: Instance, message: string): never {
  throw new RangeError(message, { cause: new TypeError('deeper') });
}

export function failLater(): void {
  setTimeout(() => {
    throw new RangeError('nobody catches this');
  });
}

export function rejectLater(): void {
  void Promise.reject(new RangeError('nobody catches that'));
}

export const echo = (_instance: Instance, value: unknown): unknown => value;

export function tooMuch(): unknown {
  return () => {};
}
