import { type ByteStream, chunksOf } from './streams.js';

/** What `write-via-stream` comes to: a WIT `result` with an `error-code` of wasi:cli. */
type Written =
  | { readonly tag: 'ok'; readonly val: undefined }
  | { readonly tag: 'err'; readonly val: string };

/** Where a guest's output goes. */
export type Write = (chunk: Uint8Array<ArrayBuffer>) => unknown;

/**
 * `wasi:cli/stdout` or `stderr`. It reads the guest's stream on this thread: the shim's gives it to
 * another, and a stream that breaks off there ends the process.
 */
export function output(write: Write): { writeViaStream(stream: ByteStream): Promise<Written> } {
  return {
    async writeViaStream(stream) {
      try {
        for await (const chunk of chunksOf(stream)) await write(chunk);
        return { tag: 'ok', val: undefined };
      } catch (error) {
        const isClosed = error instanceof Error && Reflect.get(error, 'code') === 'EPIPE';
        return { tag: 'err', val: isClosed ? 'pipe' : 'io' };
      }
    },
  };
}
