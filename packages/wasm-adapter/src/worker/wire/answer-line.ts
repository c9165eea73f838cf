/*
 * A line for answers to a thread that blocks until it has one, where it could receive no message
 * meanwhile: browsers have nothing that takes one without the event loop. The answer goes through a
 * stretch of shared memory, piece by piece.
 */
import { threadMemory } from '../../platform/shared-memory.js';
import { decodeValue, encodeValue } from './encoded-value.js';

const PIECE_BYTES = 65_536;
const HEADER_BYTES = 16;

/** Words: whether a piece is there; how long it is; how many bytes follow behind it. */
const STATE = 0;
const LENGTH = 1;
const LEFT = 2;

const EMPTY = 0;
const FULL = 1;

/** Memory for the answers to one thread. */
export function answerMemory(): Int32Array<ArrayBufferLike> {
  return new Int32Array(threadMemory(HEADER_BYTES + PIECE_BYTES));
}

/** Sends an answer. Throws a TypeError where it cannot be encoded; resolves when the thread has most of it. */
export function sendAnswer(
  words: Int32Array<ArrayBufferLike>,
  answer: readonly unknown[],
): Promise<void> {
  return sendBytes(words, encodeValue(answer));
}

async function sendBytes(words: Int32Array<ArrayBufferLike>, bytes: Uint8Array): Promise<void> {
  const area = new Uint8Array(words.buffer, HEADER_BYTES);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    at += piece.length;
    area.set(piece);
    words[LENGTH] = piece.length;
    words[LEFT] = bytes.length - at;
    Atomics.store(words, STATE, FULL);
    Atomics.notify(words, STATE);
    if (at === bytes.length) return;
    const taken = Atomics.waitAsync(words, STATE, FULL);
    if (taken.async) await taken.value;
  }
}

/** Blocks until an answer is there, and gives it. */
export function waitForAnswer(words: Int32Array<ArrayBufferLike>): readonly unknown[] {
  const area = new Uint8Array(words.buffer, HEADER_BYTES);
  const pieces: Uint8Array[] = [];
  for (let left = 1; left > 0; ) {
    Atomics.wait(words, STATE, EMPTY);
    pieces.push(area.slice(0, words[LENGTH]));
    left = words[LEFT] ?? 0;
    Atomics.store(words, STATE, EMPTY);
    Atomics.notify(words, STATE);
  }
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return decodeValue(bytes) as readonly unknown[];
}
