import { listenTo, type MessagePort, openChannel } from '../../platform/threads.js';
import { cloneError, movedOf } from '../wire/move.js';
import { ownBytes } from '../wire/own-bytes.js';
import { serializeError } from '../wire/serialized-error.js';
import { type StreamAnswer, streamRequest } from '../wire/stream-messages.js';

/** What a task may return to give its result bit by bit. */
export type Source = AsyncIterable<unknown> | ReadableStream<unknown>;

/** Whether a result is one that its caller reads bit by bit: marked by `move`, it goes as it is. */
export function isSource(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false;
  if (movedOf([value]).length > 0) return false;
  try {
    return Symbol.asyncIterator in value || value instanceof ReadableStream;
  } catch {
    return false; // a proxy, which cannot be posted either
  }
}

/**
 * Gives the values of a source to whoever asks at the other end of a port, one at a time.
 *
 * @param name whose result it is, for errors
 * @param describe what is told of an error
 * @param over called once it has ended, was left, or has thrown: then with what it threw
 */
export function serveSource(
  source: Source,
  name: string,
  describe: (error: unknown) => unknown,
  over: (...thrown: unknown[]) => void,
): MessagePort {
  const { port1, port2 } = openChannel();
  const values = iteratorOf(source);
  let isOver = false;
  const answer = (it: StreamAnswer) => {
    const moved = movedOf([it.value]);
    port1.postMessage({ ...it, value: ownBytes(it.value, moved) }, moved);
  };
  const end = (last: StreamAnswer, ...thrown: unknown[]) => {
    if (isOver) return;
    isOver = true;
    answer(last);
    port1.close();
    over(...thrown);
  };
  const fail = (error: unknown) => end({ threw: serializeError(describe(error)) }, error);
  const give = async () => {
    const { done, value } = await values.next();
    if (done) {
      end({ done: true });
      return;
    }
    if (isOver) return;
    try {
      answer({ value });
    } catch (cause) {
      await values.return?.();
      throw cloneError(`a value of the result of ${name}`, cause);
    }
  };
  const leave = async () => {
    await values.return?.();
    end({ done: true });
  };
  listenTo(
    port1,
    (request) => void (request === streamRequest.next ? give() : leave()).catch(fail),
    fail,
  );
  return port2;
}

/** Of a stream, which not each browser has an iterator for, by its reader. */
function iteratorOf(source: Source): AsyncIterator<unknown> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  const reader = (source as ReadableStream<unknown>).getReader();
  return {
    next: async () => (await reader.read()) as IteratorResult<unknown>,
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
