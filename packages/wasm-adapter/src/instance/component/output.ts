/** Where a component's output goes, a chunk at a time. */
export type WriteOutput = (chunk: Uint8Array<ArrayBuffer>) => unknown;

type Interface = Readonly<Record<string, unknown>>;

const ROOM_BYTES = 65_536n;

/**
 * `wasi:cli/stdout` or `stderr` of preview 2, as an output stream of the shim that goes to a function.
 *
 * @param all the shim's interfaces
 */
export function outputStream(
  all: Readonly<Record<string, Interface>>,
  write: WriteOutput,
): () => object {
  const { OutputStream } = all['wasi:io/streams'] as { OutputStream: new () => object };
  const { subscribeDuration } = all['wasi:clocks/monotonic-clock'] as {
    subscribeDuration(nanos: bigint): object;
  };
  const put = (bytes: Uint8Array) => void write(new Uint8Array(bytes));
  const zeroes = (length: bigint) => put(new Uint8Array(Number(length)));
  const splice = (source: { blockingRead(length: bigint): Uint8Array }, length: bigint) => {
    const bytes = source.blockingRead(length < ROOM_BYTES ? length : ROOM_BYTES);
    put(bytes);
    return BigInt(bytes.length);
  };
  const stream = Object.assign(new OutputStream(), {
    checkWrite: () => ROOM_BYTES,
    write: put,
    blockingWriteAndFlush: put,
    flush() {},
    blockingFlush() {},
    writeZeroes: zeroes,
    blockingWriteZeroesAndFlush: zeroes,
    splice,
    blockingSplice: splice,
    subscribe: () => subscribeDuration(0n),
  });
  return () => stream;
}
