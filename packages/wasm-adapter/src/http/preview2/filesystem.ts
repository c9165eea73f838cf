import {
  addMethods,
  descriptorMethods,
  withErrorCode,
} from '../../instance/component/filesystem/descriptor.js';
import { errorCodeOf } from '../../instance/component/filesystem/error-code.js';
import { type Opened, OpenFiles } from '../../instance/component/filesystem/opened.js';
import { InputStream, IoError, OutputStream, streamFailed } from './io.js';

const CHUNK_BYTES = 65_536;

/** An error of a file, as a stream's: `filesystem-error-code` says which. */
class FileError extends IoError {
  readonly errorCode: string;

  constructor(error: unknown) {
    const code = errorCodeOf(error);
    super(code);
    this.errorCode = code;
  }
}

const asItIs = (name: string) => name;
const guarded = <R>(work: () => R) => withErrorCode(asItIs, work);

/** `wasi:filesystem` of preview 2, for one instance. The thread that asks waits for the disk. */
export function filesystem(
  preopens: Readonly<Record<string, string>>,
  dropped: AbortSignal | undefined,
): Record<string, Readonly<Record<string, unknown>>> {
  const files = new OpenFiles(preopens, dropped);

  class Descriptor {
    readonly opened: Opened;

    constructor(opened: Opened) {
      this.opened = opened;
    }

    readViaStream(offset: bigint): InputStream {
      const { opened } = this;
      guarded(() => opened.check('read'));
      let at = offset;
      return new InputStream({
        waits: 'other',
        isReady: () => true,
        take(length) {
          if (length === 0) return new Uint8Array();
          const bytes = failing(() => opened.read(BigInt(Math.min(length, CHUNK_BYTES)), at));
          at += BigInt(bytes.length);
          return bytes.length > 0 ? bytes : undefined;
        },
      });
    }

    writeViaStream(offset: bigint): OutputStream {
      let at = offset;
      return this.#output((bytes) => {
        this.opened.write(bytes, at);
        at += BigInt(bytes.length);
      });
    }

    appendViaStream(): OutputStream {
      return this.#output((bytes) => this.opened.write(bytes));
    }

    #output(write: (bytes: Uint8Array) => void): OutputStream {
      guarded(() => this.opened.check('write'));
      const put = (bytes: Uint8Array) => failing(() => write(bytes));
      return new OutputStream({ room: () => CHUNK_BYTES, put, flush() {} });
    }

    read(length: bigint, offset: bigint): [Uint8Array, boolean] {
      const bytes = guarded(() => this.opened.read(length, offset));
      return [bytes, length > 0n && bytes.length === 0];
    }

    write(bytes: Uint8Array, offset: bigint): bigint {
      guarded(() => this.opened.write(bytes, offset));
      return BigInt(bytes.length);
    }

    readDirectory(): DirectoryEntryStream {
      return new DirectoryEntryStream(guarded(() => this.opened.entries()));
    }

    [Symbol.dispose](): void {
      this.opened.close();
    }
  }
  const openedOf = (it: Descriptor) => it.opened;
  const methods = descriptorMethods(openedOf, (opened) => new Descriptor(opened), asItIs);
  addMethods(Descriptor.prototype, methods, openedOf, guarded);

  return {
    'wasi:filesystem/preopens': {
      getDirectories: () =>
        files.preopens().map(([opened, name]) => [new Descriptor(opened), name]),
    },
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: (error: unknown) =>
        error instanceof FileError ? error.errorCode : undefined,
    },
  };
}

/** `wasi:filesystem/types`' stream of the entries of a folder. */
class DirectoryEntryStream {
  readonly #entries: Iterator<{ readonly type: string; readonly name: string }>;

  constructor(entries: readonly { readonly type: string; readonly name: string }[]) {
    this.#entries = entries.values();
  }

  readDirectoryEntry(): { readonly type: string; readonly name: string } | undefined {
    const { done, value } = this.#entries.next();
    return done === true ? undefined : value;
  }
}

/** Throws what a stream fails with. */
function failing<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw streamFailed(new FileError(error));
  }
}
