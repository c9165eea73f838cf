// Tasks whose module prepares the instance that those of all threads are copies of.
import { threadId } from 'node:worker_threads';
import type { WasmInstance } from '@wasm-pool/wasm-adapter';

interface Guest {
  count(): number;
}

type Own = WasmInstance<Guest> & { prepared?: unknown };

export async function preinitialize({ exports }: Own) {
  await new Promise((resolve) => setTimeout(resolve, 20)); // the other threads arrive meanwhile
  for (let i = 0; i < 10; i++) exports.count();
  return { preparedBy: threadId };
}

export function onCreate(instance: Own, prepared: unknown) {
  instance.prepared = prepared;
}

export function count({ exports }: Own): number {
  return exports.count();
}

export function look(instance: Own) {
  return { thread: threadId, prepared: instance.prepared };
}
