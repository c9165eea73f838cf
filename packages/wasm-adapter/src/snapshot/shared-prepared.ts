// The prepared state that the threads of a pool share.
//
// One thread prepares an instance; the others wait, and then copy from the memory that it has written
// the state to. Which thread it is, is settled by one word of shared memory:
//
//     none -> a thread's number (it prepares) -> READY
//      ^                    |
//      +--------------------+   it failed, or ended: the next one tries
//
// The state itself is in a buffer that grows to what it takes, in the form that a file's body has. Its
// stretches of memory are never copied but into the instances.
//
// Where threads can share no memory, each has a copy of what is prepared when it is started, and prepares
// for itself what is not.
import { messageOf, WasmError } from '../errors.js';
import { growMemory, threadMemory } from '../platform/shared-memory.js';
import { decodeContent, encodeContent, type SnapshotContent } from './snapshot-content.js';

const NONE = 0;
const READY = -1;

const word = { state: 0 } as const;

/** Address space for the state; memory is taken for what is in it alone. */
const MOST_BYTES = 2 ** 31;

/** What threads need to know of each other, as it is posted to them. */
export interface SharedPrepared {
  readonly words: Int32Array<ArrayBufferLike>;
  readonly content: ArrayBufferLike;
  /** Whether it comes from a snapshot, and no thread is to prepare anything. */
  readonly fromSnapshot: boolean;
}

/** Nothing is prepared yet. */
export function sharedPrepared(fromSnapshot: boolean): SharedPrepared {
  return {
    fromSnapshot,
    words: new Int32Array(threadMemory(4)),
    content: threadMemory(0, MOST_BYTES),
  };
}

/**
 * Has the state prepared by one thread for all. Rejects with what preparing rejected with, on the thread
 * where it did; the others try then.
 *
 * @param thread the number of this thread, from 1
 */
export async function preparedByOne(
  shared: SharedPrepared,
  thread: number,
  poolName: string,
  prepare: () => Promise<SnapshotContent>,
): Promise<SnapshotContent> {
  const { words } = shared;
  for (;;) {
    const state = Atomics.compareExchange(words, word.state, NONE, thread);
    if (state === READY) return decodeContent(readShared(shared));
    if (state === NONE) {
      try {
        const content = await prepare();
        publish(shared, content, poolName);
        return content;
      } catch (error) {
        setState(words, NONE);
        throw error;
      }
    }
    const change = Atomics.waitAsync(words, word.state, state);
    if (change.async) await change.value;
  }
}

/** Gives threads that are yet to be started what is prepared already. */
export function publish(shared: SharedPrepared, content: SnapshotContent, poolName: string): void {
  const bytes = encodeContent(content, poolName);
  try {
    growMemory(shared.content, bytes.length);
  } catch (cause) {
    const message = `${poolName}: the prepared state takes ${bytes.length} bytes, which cannot be shared with the other threads: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_MEMORY', message, { cause });
  }
  new Uint8Array(shared.content).set(bytes);
  setState(shared.words, READY);
}

/** A thread is gone: if it was the one that prepares, another one does. */
export function threadIsGone({ words }: SharedPrepared, thread: number): void {
  if (Atomics.compareExchange(words, word.state, thread, NONE) === thread) {
    Atomics.notify(words, word.state);
  }
}

function setState(words: Int32Array<ArrayBufferLike>, state: number): void {
  Atomics.store(words, word.state, state);
  Atomics.notify(words, word.state);
}

function readShared({ content }: SharedPrepared): Uint8Array<ArrayBufferLike> {
  return new Uint8Array(content, 0, content.byteLength);
}
