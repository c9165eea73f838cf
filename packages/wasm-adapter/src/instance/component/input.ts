import { resultError } from '../../component/jco-code.js';

type Interface = Readonly<Record<string, unknown>>;

/** What a component finds on its standard input. */
export type ReadInput = () => string | Uint8Array | undefined;

/** The bytes of a standard input, from first to last: each is read once. */
class Input {
  readonly #given: ReadInput;
  #rest: Uint8Array | undefined = undefined;

  /** @param given is asked when the component first reads */
  constructor(given: ReadInput) {
    this.#given = given;
  }

  take(most: number): Uint8Array {
    this.#rest ??= bytesOf(this.#given());
    const part = this.#rest.slice(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}

function bytesOf(given: string | Uint8Array = ''): Uint8Array {
  return typeof given === 'string' ? new TextEncoder().encode(given) : given;
}

/**
 * `wasi:cli/stdin` of preview 2, as an input stream of the shim.
 *
 * @param all the shim's interfaces
 */
export function inputStream(
  all: Readonly<Record<string, Interface>>,
  given: ReadInput,
): () => object {
  const { InputStream } = all['wasi:io/streams'] as { InputStream: new () => object };
  const { subscribeDuration } = all['wasi:clocks/monotonic-clock'] as {
    subscribeDuration(nanos: bigint): object;
  };
  const input = new Input(given);
  const read = (length: bigint) => {
    const part = input.take(Number(length));
    if (part.length === 0 && length > 0n) throw resultError({ tag: 'closed' });
    return part;
  };
  const skip = (length: bigint) => BigInt(read(length).length);
  const stream = Object.assign(new InputStream(), {
    ...{ read, blockingRead: read, skip, blockingSkip: skip },
    subscribe: () => subscribeDuration(0n),
  });
  return () => stream;
}

/** The same of preview 3: a stream that ends behind the input, and the future of its result. */
export function inputOf3(packages: object, given: ReadInput): () => readonly object[] {
  const { stream, future } = packages as {
    stream: { StreamReader: new (chunks: AsyncIterable<Uint8Array>) => object };
    future: { future(): { tx: { write(value: object): unknown }; rx: object } };
  };
  const input = new Input(given);
  return () => {
    const { tx, rx } = future.future();
    tx.write({ tag: 'ok', val: undefined });
    async function* chunks() {
      const all = input.take(Number.POSITIVE_INFINITY);
      if (all.length > 0) yield all;
    }
    return [new stream.StreamReader(chunks()), rx];
  };
}
