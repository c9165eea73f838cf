import { addMethods, descriptorMethods, withErrorCode } from '../filesystem/descriptor.js';
import { errorCodeOf } from '../filesystem/error-code.js';
import { type Opened, OpenFiles } from '../filesystem/opened.js';
import { type ByteStream, chunksOf } from './streams.js';

type Result = { readonly tag: 'ok' | 'err'; readonly val: unknown };

/** As much as is used of the shim's packages for it. */
export interface StreamPackages {
  readonly stream: { StreamReader: new (chunks: AsyncIterable<unknown>) => object };
  readonly future: { FutureReader: new (value: Promise<unknown>) => object };
}

const CHUNK_BYTES = 65_536n;

const asVariant = (tag: string) => ({ tag: tag === 'unknown' ? 'other' : tag });
const done: Result = { tag: 'ok', val: undefined };
const failed = (error: unknown): Result => ({ tag: 'err', val: asVariant(errorCodeOf(error)) });

/**
 * `wasi:filesystem` of preview 3, for one instance. The shim has one list of folders for all, and looks
 * up paths by their text.
 */
export function filesystem(
  { stream, future }: StreamPackages,
  preopens: Readonly<Record<string, string>>,
  dropped: AbortSignal,
): Record<string, Readonly<Record<string, unknown>>> {
  const files = new OpenFiles(preopens, dropped);

  /** A stream and the future of how it ended. */
  function streamed<T>(items: () => Iterable<T>): object[] {
    const ended = Promise.withResolvers<Result>();
    async function* read(): AsyncGenerator<T, void> {
      try {
        yield* items();
        ended.resolve(done);
      } catch (error) {
        ended.resolve(failed(error));
      } finally {
        ended.resolve(done); // nobody read on
      }
    }
    return [new stream.StreamReader(read()), new future.FutureReader(ended.promise)];
  }

  class Descriptor {
    readonly opened: Opened;

    constructor(opened: Opened) {
      this.opened = opened;
    }

    readViaStream(offset: bigint): object[] {
      const { opened } = this;
      return streamed(function* () {
        for (let at = offset; ; ) {
          const bytes = opened.read(CHUNK_BYTES, at);
          if (bytes.length === 0) return;
          at += BigInt(bytes.length);
          yield bytes;
        }
      });
    }

    readDirectory(): object[] {
      const { opened } = this;
      return streamed(function* () {
        for (const { type, name } of opened.entries()) yield { type: asVariant(type), name };
      });
    }

    async writeViaStream(data: ByteStream, offset: bigint): Promise<Result> {
      let at = offset;
      return this.#take(data, (bytes) => {
        this.opened.write(bytes, at);
        at += BigInt(bytes.length);
      });
    }

    async appendViaStream(data: ByteStream): Promise<Result> {
      return this.#take(data, (bytes) => this.opened.write(bytes));
    }

    async #take(data: ByteStream, write: (bytes: Uint8Array) => void): Promise<Result> {
      try {
        for await (const chunk of chunksOf(data)) write(chunk);
        return done;
      } catch (error) {
        return failed(error);
      }
    }

    [Symbol.dispose](): void {
      this.opened.close();
    }
  }
  const openedOf = (it: Descriptor) => it.opened;
  const methods = descriptorMethods(openedOf, (opened) => new Descriptor(opened), asVariant);
  addMethods(Descriptor.prototype, methods, openedOf, async (work) =>
    withErrorCode(asVariant, work),
  );

  return {
    'wasi:filesystem/preopens': {
      getDirectories: () =>
        files.preopens().map(([opened, name]) => [new Descriptor(opened), name]),
    },
    'wasi:filesystem/types': { Descriptor },
  };
}
